-- Takes a plan out of sale; who has it keeps it. Again is no change.
-- in: id uuid!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid!, _told text
WITH done AS (
  UPDATE plan SET retired_at = now()
  WHERE community_id = $1 AND id = $2 AND retired_at IS NULL
  RETURNING id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         request_id)
  SELECT $1, $5, $3, $4, 'plan.retire', 'plan', id, $6 FROM done
)
SELECT n.id, CASE WHEN done.id IS NOT NULL THEN pg_notify('lyceum', 'public ' || $1)::text END
FROM plan n LEFT JOIN done ON true
WHERE n.community_id = $1 AND n.id = $2
