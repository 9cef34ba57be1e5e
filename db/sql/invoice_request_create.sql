-- Asks for an invoice for an order that is settled and of which money is left here. One open
-- request an order: the index invoice_request_open decides a race.
-- To whom it is to be made out comes sealed.
-- in: order_id uuid!, id uuid!, member_id uuid!, kind text!, sealed bytea!, role text!,
--   audit_id uuid!, request_id text
-- out: id uuid, _refusal text
WITH judged AS MATERIALIZED (
  SELECT o.id, CASE
    WHEN o.settled_at IS NULL OR o.paid_minor <= o.refunded_minor THEN 'state_forbids'
    WHEN EXISTS (SELECT FROM invoice_request i WHERE i.community_id = $1 AND i.order_id = o.id
                 AND i.state IN ('asked', 'issued')) THEN 'invoice_asked' END AS refusal
  FROM orders o WHERE o.community_id = $1 AND o.id = $2 AND o.member_id = $4
), made AS (
  INSERT INTO invoice_request (community_id, id, order_id, member_id, kind, sealed)
  SELECT $1, $3, id, $4, $5, $6
  FROM judged WHERE refusal IS NULL
  RETURNING id
), audited AS (
  -- Who it is made out to stays in the request: the audit log is never erased.
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $8, $4, $7, 'invoice_request.create', 'invoice_request', made.id,
    jsonb_build_object('order_id', $2, 'kind', $5), $9
  FROM made
), told AS (
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  SELECT $1, uuid7(), 'invoice.asked', $4,
    jsonb_build_object('order_id', $2, 'invoice_request_id', made.id)
  FROM made
)
SELECT made.id, refusal FROM judged LEFT JOIN made ON true
