-- Gives a member another role or state, if they are still as they were seen and the actor still
-- may. A ban or suspension ends their sessions, a ban also keeps their contacts out. If they keep
-- the community, another owner does from now on; without one the keys of community_keeper refuse.
-- in: id uuid!, role text, state text, reason text, until timestamptz, was int!, actor uuid!,
--   shut text[]!, audit uuid!, revocation uuid!, request_id text
-- out: _refusal text, _state text, _token_version bigint, _sessions uuid[], _told bigint!
WITH may AS (
  SELECT a.role FROM member a
  WHERE a.community_id = $1 AND a.id = $8 AND a.left_at IS NULL AND a.role IN ('operator', 'owner')
    AND member_state(a, now()) NOT IN ('banned', 'suspended')
), seen AS (
  SELECT m.*, coalesce($3, m.role) AS new_role, coalesce($4, m.state) AS new_state
  FROM member m, may WHERE m.community_id = $1 AND m.id = $2 AND m.version = $7
), handed AS (
  UPDATE community_keeper k SET member_id = o.id
  FROM seen s, LATERAL (
    SELECT o.id FROM member o
    WHERE o.community_id = $1 AND o.id <> s.id AND o.keeps ORDER BY o.id LIMIT 1) o
  WHERE k.community_id = $1 AND k.member_id = s.id
    AND (s.new_role <> 'owner' OR s.new_state IN ('banned', 'suspended'))
  RETURNING k.member_id
), changed AS (
  UPDATE member m SET
    role = s.new_role, state = s.new_state,
    state_reason = CASE WHEN $4 IS NULL THEN m.state_reason WHEN $4 <> 'active' THEN $5 END,
    state_until = CASE WHEN $4 IS NULL THEN m.state_until ELSE $6 END,
    state_by = CASE WHEN $4 IS NULL THEN m.state_by WHEN $4 <> 'active' THEN $8 END,
    token_version = m.token_version + 1, version = m.version + 1, updated_at = now()
  FROM seen s
  WHERE m.community_id = $1 AND m.id = $2 AND m.version = $7
  RETURNING m.id, m.role, m.state, m.state_until, m.token_version,
            m.state IN ('banned', 'suspended') AS out
), ended AS (
  UPDATE session SET revoked_at = now(), revoked_reason = c.state
  FROM changed c
  WHERE session.community_id = $1 AND session.member_id = c.id AND session.revoked_at IS NULL
    AND c.out
  RETURNING session.id
), shut AS (
  INSERT INTO banned_identity (community_id, digest, member_id)
  SELECT $1, decode(d, 'hex'), c.id FROM changed c, unnest($9::text[]) d WHERE c.state = 'banned'
  ON CONFLICT DO NOTHING
), opened AS (
  DELETE FROM banned_identity b USING changed c
  WHERE b.community_id = $1 AND b.member_id = c.id AND c.state <> 'banned'
), noted AS (
  INSERT INTO revocation (community_id, id, kind, subject_id, token_version)
  SELECT $1, $11, 'member', c.id, c.token_version FROM changed c
), written AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, reason, request_id)
  SELECT $1, $10, $8, may.role, 'member.change', 'member', c.id,
         jsonb_build_object('role', s.role, 'state', s.state, 'state_until', iso(s.state_until)),
         jsonb_build_object('role', c.role, 'state', c.state, 'state_until', iso(c.state_until)),
         $5, $12
  FROM changed c, seen s, may
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM may) THEN 'not_allowed'
            WHEN c.id IS NULL THEN 'version_changed' END,
       c.state, c.token_version::bigint, (SELECT array_agg(id) FROM ended),
       (SELECT count(pg_notify('lyceum', 'member ' || $1 || ' ' || id || ' ' || token_version))
        FROM changed)
FROM (SELECT) AS always LEFT JOIN changed c ON true
