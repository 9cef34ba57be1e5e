-- Signs a person in on a device of this community. With a challenge, its code is used by that; of
-- two at the same time the second is refused.
-- in: account uuid!, session uuid!, device_name text, refresh_digest bytea!, days int!,
--   challenge uuid
-- out: _refusal text, _detail text, id uuid, display_name text, role text, state text,
--   locale text, joined_at timestamptz, _version int, _session_expires_at timestamptz
WITH who AS (
  SELECT m.*, member_state(m, now()) AS state_now FROM member m
  WHERE m.community_id = $1 AND m.account_id = $2 AND m.left_at IS NULL
), checked AS (
  SELECT CASE WHEN w.id IS NULL THEN 'not_a_member'
              WHEN w.state_now = 'banned' THEN 'member_banned'
              WHEN w.state_now = 'suspended' THEN 'member_suspended' END AS refusal
  FROM (SELECT) AS always LEFT JOIN who w ON true
), used AS (
  UPDATE challenge c SET used_at = now() FROM checked
  WHERE c.community_id = $1 AND c.id = $7 AND c.used_at IS NULL AND c.expires_at > now()
    AND checked.refusal IS NULL
  RETURNING c.id
), opened AS (
  INSERT INTO session (community_id, id, account_id, member_id, device_name, refresh_digest,
                       expires_at)
  SELECT $1, $3, $2, w.id, $4, $5, now() + make_interval(days => $6)
  FROM who w, checked c
  WHERE c.refusal IS NULL AND ($7::uuid IS NULL OR EXISTS (SELECT FROM used))
  RETURNING expires_at
)
SELECT coalesce(c.refusal, CASE WHEN o.expires_at IS NULL THEN 'challenge_failed' END),
       CASE WHEN c.refusal IN ('member_banned', 'member_suspended') THEN w.state_reason END,
       w.id, w.display_name, w.role, w.state_now, w.locale, w.joined_at, w.token_version,
       o.expires_at
FROM checked c LEFT JOIN who w ON true LEFT JOIN opened o ON true
