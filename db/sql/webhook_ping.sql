-- A test event for one endpoint, whatever it subscribed to. One that is disabled gets none.
-- in: id uuid!, event uuid!
-- out: id uuid, _refusal text, _heard text
WITH asked AS MATERIALIZED (
  SELECT e.id, e.state FROM webhook_endpoint e
  WHERE e.community_id = $1 AND e.id = $2 AND e.state <> 'removed'
), posted AS (
  INSERT INTO webhook_delivery (community_id, endpoint_id, id, type, payload, next_at)
  SELECT $1, a.id, $3, 'webhook.ping',
    webhook_payload('webhook.ping', now(), jsonb_build_object('webhook_id', a.id)), now()
  FROM asked a WHERE a.state = 'enabled'
  RETURNING id
)
SELECT p.id, CASE WHEN p.id IS NULL THEN 'state_forbids' END,
  CASE WHEN p.id IS NOT NULL THEN pg_notify('lyceum', 'webhooks')::text END
FROM asked a LEFT JOIN posted p ON true
