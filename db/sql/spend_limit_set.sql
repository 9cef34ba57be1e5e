-- Sets a member's spending limit; null: none. Members themselves (own) only set or lower it. Orders
-- are made under the same lock, so what is being ordered counts before or after, never in between.
-- `seen`: what If-Match stood for, when it was sent (compare).
-- in: member uuid!, limit_minor bigint, reason text, own bool!, compare bool!, seen bigint,
--   actor uuid!, role text!, audit_id uuid!, request_id text
-- out: _refusal text
WITH old AS MATERIALIZED (
  SELECT m.id, m.spend_limit_minor AS minor FROM member m
  WHERE m.community_id = $1 AND m.id = $2 AND m.left_at IS NULL FOR NO KEY UPDATE
), judged AS MATERIALIZED (
  SELECT old.*, CASE
    WHEN $6 AND minor IS DISTINCT FROM $7 THEN 'version_changed'
    WHEN $5 AND coalesce($3 > minor, $3 IS NULL AND minor IS NOT NULL) THEN 'not_allowed'
    END AS refusal
  FROM old
), done AS (
  UPDATE member m SET spend_limit_minor = $3, version = m.version + 1, updated_at = now()
  FROM judged j
  WHERE m.community_id = $1 AND m.id = j.id AND refusal IS NULL AND minor IS DISTINCT FROM $3
  RETURNING m.id, j.minor
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, reason, request_id)
  SELECT $1, $10, $8, $9, 'spend_limit.change', 'member', id,
    jsonb_build_object('limit_minor', minor), jsonb_build_object('limit_minor', $3::bigint), $4, $11
  FROM done
)
SELECT refusal FROM judged
