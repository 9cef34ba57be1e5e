-- Removes an endpoint: nothing is sent to it any more, and its secrets are gone. Its deliveries are
-- tidied away later.
-- in: id uuid!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: _id uuid!
WITH old AS MATERIALIZED (
  SELECT url, topics, description FROM webhook_endpoint e
  WHERE e.community_id = $1 AND e.id = $2 AND e.state <> 'removed'
), gone AS (
  UPDATE webhook_endpoint e SET state = 'removed', slot = NULL, secret = NULL, previous = NULL,
    previous_until = NULL, disabled_at = NULL, disabled_reason = NULL, updated_at = now(),
    version = e.version + 1
  WHERE e.community_id = $1 AND e.id = $2 AND e.state <> 'removed'
  RETURNING e.id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, request_id)
  SELECT $1, $5, $3, $4, 'webhook.remove', 'webhook', $2,
    jsonb_build_object('url', url, 'description', description, 'topics', topics), $6
  FROM gone, old
)
SELECT id FROM gone
