-- Gives an endpoint another secret. The one before it signs, too, for so many hours.
-- in: id uuid!, secret bytea!, hours int!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: _id uuid!
WITH turned AS (
  UPDATE webhook_endpoint e SET secret = $3,
    previous = CASE WHEN $4 > 0 THEN e.secret END,
    previous_until = CASE WHEN $4 > 0 THEN now() + make_interval(hours => $4) END,
    updated_at = now(), version = e.version + 1
  WHERE e.community_id = $1 AND e.id = $2 AND e.state <> 'removed'
  RETURNING e.id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $7, $5, $6, 'webhook.rotate', 'webhook', $2,
    jsonb_build_object('keep_hours', $4), $8 FROM turned
)
SELECT id FROM turned
