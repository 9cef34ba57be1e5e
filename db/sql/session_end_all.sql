-- Signs a member's devices out, all or all but one, and tells every process.
-- in: member uuid!, except uuid
-- out: _session uuid!, _told bool!
WITH ended AS (
  UPDATE session SET revoked_at = now(), revoked_reason = 'revoked'
  WHERE community_id = $1 AND member_id = $2 AND revoked_at IS NULL
    AND ($3::uuid IS NULL OR id <> $3)
  RETURNING id
), noted AS (
  INSERT INTO revocation (community_id, id, kind, subject_id)
  SELECT $1, uuid7(), 'session', id FROM ended
)
SELECT id, pg_notify('lyceum', 'session ' || id) IS NOT NULL FROM ended
