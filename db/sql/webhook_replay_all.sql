-- Sends again what failed of an endpoint since a time, the oldest first, so many at once.
-- in: endpoint uuid!, since timestamptz!, most int!, actor uuid!, role text!, audit_id uuid!,
--   request_id text
-- out: replayed int!, more bool!, _refusal text, _heard text
WITH asked AS MATERIALIZED (
  SELECT e.state FROM webhook_endpoint e
  WHERE e.community_id = $1 AND e.id = $2 AND e.state <> 'removed'
), failed AS MATERIALIZED (
  SELECT d.id FROM webhook_delivery d, asked a
  WHERE d.community_id = $1 AND d.endpoint_id = $2 AND d.state = 'failed' AND d.created_at >= $3
    AND a.state = 'enabled'
  ORDER BY d.id LIMIT $4 + 1
), again AS (
  UPDATE webhook_delivery d SET state = 'pending', step = 0, next_at = now(), finished_at = NULL
  WHERE d.community_id = $1 AND d.endpoint_id = $2 AND d.state = 'failed'
    AND d.id = ANY (ARRAY(SELECT id FROM failed ORDER BY id LIMIT $4))
  RETURNING d.id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $7, $5, $6, 'webhook.replay', 'webhook', $2,
    jsonb_build_object('since', iso($3), 'replayed', (SELECT count(*) FROM again)), $8
  FROM asked a WHERE a.state = 'enabled'
)
SELECT (SELECT count(*)::int FROM again), (SELECT count(*) FROM failed) > $4,
  CASE WHEN a.state <> 'enabled' THEN 'state_forbids' END,
  (SELECT pg_notify('lyceum', 'webhooks')::text WHERE EXISTS (SELECT FROM again))
FROM asked a
