-- Writes down that somebody takes a batch's codes away, before the first one leaves.
-- in: id uuid!, after_id uuid, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid!
WITH found AS MATERIALIZED (
  SELECT id FROM code_batch WHERE community_id = $1 AND id = $2
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $6, $4, $5, 'code_batch.export', 'code_batch', id,
    CASE WHEN $3::uuid IS NOT NULL THEN jsonb_build_object('after', $3) END, $7
  FROM found
)
SELECT id FROM found
