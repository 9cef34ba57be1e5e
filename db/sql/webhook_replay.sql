-- Sends a delivery again, from the first step of the ladder. One that is being tried just now is
-- left alone.
-- in: endpoint uuid!, id uuid!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid, _refusal text, _heard text
WITH asked AS MATERIALIZED (
  SELECT d.id, e.state FROM webhook_delivery d
  JOIN webhook_endpoint e ON e.community_id = $1 AND e.id = d.endpoint_id AND e.state <> 'removed'
  WHERE d.community_id = $1 AND d.endpoint_id = $2 AND d.id = $3
), again AS (
  UPDATE webhook_delivery d SET state = 'pending', step = 0, next_at = now(), taken_until = NULL,
    finished_at = NULL
  FROM asked a
  WHERE d.community_id = $1 AND d.endpoint_id = $2 AND d.id = a.id AND a.state = 'enabled'
    AND NOT coalesce(d.taken_until > now(), false)
  RETURNING d.id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $6, $4, $5, 'webhook.replay', 'webhook', $2,
    jsonb_build_object('delivery_id', id), $7 FROM again
)
SELECT a.id, CASE WHEN a.state <> 'enabled' THEN 'state_forbids' END,
  CASE WHEN g.id IS NOT NULL THEN pg_notify('lyceum', 'webhooks')::text END
FROM asked a LEFT JOIN again g ON true
