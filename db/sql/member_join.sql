-- A person becomes a member, with all that belongs to it: the code that proved the contact is
-- used, the texts are accepted, the device is signed in. Who left may come back; who was banned
-- may not, nor with another account of the same contact. Runs in a transaction: a refusal undoes
-- it all.
-- in: id uuid!, account uuid!, display_name text!, locale text!, challenge uuid!, shut text!,
--   rules_version int!, privacy_version int!, guardian bytea, session uuid!, device_name text,
--   refresh_digest bytea!, days int!, request_id text, audit uuid!, outbox uuid!
-- out: _refusal text, id uuid, display_name text, role text, state text, locale text,
--   joined_at timestamptz, _version int, _session_expires_at timestamptz
WITH wanted (kind, version) AS (
  VALUES ('rules', $8::int), ('privacy', $9::int)
  UNION ALL
  SELECT 'guardian', max(version) FROM community_text
  WHERE community_id = $1 AND kind = 'guardian' AND $10::bytea IS NOT NULL
), checked AS (
  SELECT CASE
    WHEN EXISTS (SELECT FROM banned_identity
                 WHERE community_id = $1 AND digest = decode($7, 'hex')) THEN 'member_banned'
    WHEN EXISTS (SELECT FROM member
                 WHERE community_id = $1 AND account_id = $3 AND state = 'banned')
      THEN 'member_banned'
    WHEN EXISTS (SELECT FROM member
                 WHERE community_id = $1 AND account_id = $3 AND left_at IS NULL)
      THEN 'already_member'
    WHEN EXISTS (SELECT FROM wanted w
                 WHERE w.kind <> 'guardian' AND w.version <> coalesce((
                   SELECT max(t.version) FROM community_text t
                   WHERE t.community_id = $1 AND t.kind = w.kind), 0)) THEN 'text_outdated'
    WHEN EXISTS (SELECT FROM wanted WHERE version IS NULL AND $10::bytea IS NOT NULL
                 AND kind = 'guardian') THEN 'guardian_required'
  END AS refusal
), used AS (
  UPDATE challenge c SET used_at = now() FROM checked
  WHERE c.community_id = $1 AND c.id = $6 AND c.used_at IS NULL AND c.expires_at > now()
    AND checked.refusal IS NULL
  RETURNING c.id
), joined AS (
  INSERT INTO member AS m (community_id, id, account_id, display_name, locale)
  SELECT $1, $2, $3, $4, $5 FROM used
  ON CONFLICT (community_id, account_id) DO UPDATE
  SET left_at = NULL, display_name = excluded.display_name, locale = excluded.locale,
      updated_at = now(), version = m.version + 1
  WHERE m.left_at IS NOT NULL AND m.state <> 'banned'
  RETURNING m.*
), agreed AS (
  INSERT INTO consent (community_id, member_id, kind, version, locale, sealed)
  SELECT $1, j.id, w.kind, w.version, $5, CASE w.kind WHEN 'guardian' THEN $10::bytea END
  FROM joined j, wanted w WHERE w.version > 0
  ON CONFLICT DO NOTHING
), opened AS (
  INSERT INTO session (community_id, id, account_id, member_id, device_name, refresh_digest,
                       expires_at)
  SELECT $1, $11, $3, j.id, $12, $13, now() + make_interval(days => $14) FROM joined j
  RETURNING expires_at
), noted AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         request_id)
  SELECT $1, $16, j.id, j.role, 'member.join', 'member', j.id, $15 FROM joined j
), told AS (
  INSERT INTO outbox (community_id, id, topic, subject_id)
  SELECT $1, $17, 'member.joined', j.id FROM joined j
)
SELECT CASE WHEN c.refusal IS NOT NULL THEN c.refusal
            WHEN NOT EXISTS (SELECT FROM used) THEN 'challenge_failed'
            WHEN j.id IS NULL THEN 'already_member' END,
       j.id, j.display_name, j.role,
       CASE WHEN j.state_until <= now() THEN 'active' ELSE j.state END, j.locale, j.joined_at,
       j.token_version, o.expires_at
FROM checked c LEFT JOIN joined j ON true LEFT JOIN opened o ON true
