-- Makes the order that a quote promised; asked again, it is the same one. An order of nothing is
-- settled at once.
-- in: member_id uuid!, quote_id uuid!, id uuid!, line_id uuid!, role text!, audit_id uuid!,
--   request_id text
-- out: id uuid, _refusal text, _pointer text, _fault text, _created bool!
WITH made AS MATERIALIZED (
  SELECT * FROM order_from_quote($1, $2, $3, $4, $5)
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $7, $2, $6, 'order.create', 'order', order_id,
    jsonb_build_object('quote_id', $3::uuid), $8
  FROM made WHERE created
)
SELECT order_id, refusal, pointer, fault, created FROM made
