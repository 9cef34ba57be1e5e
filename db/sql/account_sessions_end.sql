-- Ends a person's sessions in all communities, except one; every process is told.
-- in: account uuid!, except uuid, reason text!
-- out: _session uuid!, _told bool!
-- global
WITH ended AS (
  UPDATE session SET revoked_at = now(), revoked_reason = $3
  WHERE account_id = $1 AND revoked_at IS NULL AND ($2::uuid IS NULL OR id <> $2)
  RETURNING community_id, id
), noted AS (
  INSERT INTO revocation (community_id, id, kind, subject_id)
  SELECT community_id, uuid7(), 'session', id FROM ended
)
SELECT id, pg_notify('lyceum', 'session ' || id) IS NOT NULL FROM ended
