-- Signs a member's device out, and tells every process.
-- in: id uuid!, member uuid!
-- out: id uuid!, _told bigint!
WITH ended AS (
  UPDATE session SET revoked_at = now(), revoked_reason = 'signed_out'
  WHERE community_id = $1 AND id = $2 AND member_id = $3 AND revoked_at IS NULL
  RETURNING id
), noted AS (
  INSERT INTO revocation (community_id, id, kind, subject_id)
  SELECT $1, uuid7(), 'session', id FROM ended
)
SELECT id, (SELECT count(pg_notify('lyceum', 'session ' || id)) FROM ended) FROM ended
