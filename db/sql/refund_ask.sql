-- Asks for money to go back, or writes down that it went back by hand.
-- in: order_id uuid!, id uuid!, payment_id uuid, amount_minor bigint!, reason text!, keeps bool!,
--   reference text, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: _id uuid, _refusal text, _pointer text, _fault text, _told text
WITH asked AS MATERIALIZED (
  SELECT a.* FROM refund_ask($1, $2, $3, $4, $5, $6, $7, $8, $9) a
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, reason, request_id)
  SELECT $1, $11, $9, $10, 'refund.ask', 'order', $2,
    jsonb_build_object('request_id', a.id, 'amount_minor', $5, 'keeps', $7, 'reference', $8::text),
    $6, $12
  FROM asked a WHERE a.refusal IS NULL
)
SELECT a.id, a.refusal, a.pointer, a.fault,
  CASE WHEN a.refusal IS NULL THEN pg_notify('lyceum', 'errands')::text END
FROM asked a
