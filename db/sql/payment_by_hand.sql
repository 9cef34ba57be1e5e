-- Writes down money that arrived on the operator's account, or in cash, for an order.
-- in: order_id uuid!, id uuid!, amount_minor bigint!, currency text!, reference text!,
--   paid_at timestamptz, note text!, evidence_url text, actor uuid!, role text!, audit_id uuid!,
--   request_id text
-- out: id uuid, order_id uuid!, provider text!, reference text!, amount_minor bigint!,
--   currency text!, fee_minor bigint!, surplus bool, note text, evidence_url text,
--   received_by uuid, paid_at timestamptz!, created_at timestamptz!, _refusal text, _pointer text,
--   _fault text
WITH told AS MATERIALIZED (
  SELECT least(coalesce($7, now()), now()) AS at,
    CASE WHEN $7 > now() + interval '1 hour' THEN 'too_late' END AS wrong
), recorded AS MATERIALIZED (
  SELECT r.* FROM told CROSS JOIN LATERAL
    payment_record($1, $2, $3, 'hand', $6, $4, $5, told.at, 0, $10, $8, $9) r
  WHERE wrong IS NULL
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, reason, request_id)
  SELECT $1, $12, $10, $11, 'payment.record', 'order', $2,
    jsonb_build_object('payment_id', $3, 'amount_minor', $4, 'currency', $5, 'reference', $6,
                       'outcome', r.outcome), $8, $13
  FROM recorded r WHERE r.outcome IN ('counted', 'surplus')
)
SELECT $3, $2, 'hand', $6, $4, $5, 0::bigint, r.outcome = 'surplus', $8, $9, $10, told.at, now(),
  CASE WHEN wrong IS NOT NULL OR r.outcome = 'differs' THEN 'body_invalid'
       WHEN r.outcome = 'repeated' THEN 'reference_taken'
       WHEN r.outcome NOT IN ('counted', 'surplus') THEN r.outcome END,
  CASE WHEN wrong IS NOT NULL THEN '/paid_at' WHEN r.outcome = 'differs' THEN '/currency' END,
  coalesce(wrong, CASE r.outcome WHEN 'differs' THEN 'differs' END)
FROM told LEFT JOIN recorded r ON true
