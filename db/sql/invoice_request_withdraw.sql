-- A member takes back a request that nobody has decided yet. Again is no change.
-- in: id uuid!, member_id uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid!, _refusal text
WITH old AS MATERIALIZED (
  SELECT i.id, i.state FROM invoice_request i
  WHERE i.community_id = $1 AND i.id = $2 AND i.member_id = $3 FOR UPDATE
), done AS (
  UPDATE invoice_request i SET state = 'withdrawn', decided_at = now(), decided_by = $3,
    version = i.version + 1
  FROM old WHERE i.community_id = $1 AND i.id = old.id AND old.state = 'asked'
  RETURNING i.id, i.order_id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, request_id)
  SELECT $1, $5, $3, $4, 'invoice_request.withdraw', 'invoice_request', id,
    '{"state": "asked"}', '{"state": "withdrawn"}', $6
  FROM done
), told AS (
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  SELECT $1, uuid7(), 'invoice.withdrawn', $3,
    jsonb_build_object('order_id', order_id, 'invoice_request_id', id)
  FROM done
)
SELECT old.id, CASE WHEN done.id IS NULL AND old.state <> 'withdrawn' THEN 'state_forbids' END
FROM old LEFT JOIN done ON true
