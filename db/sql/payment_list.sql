-- The money that came in for an order. What operators noted for themselves only they (all) see.
-- in: order_id uuid!, all bool!
-- out: id uuid!, order_id uuid!, provider text!, reference text!, amount_minor bigint!,
--   currency text!, fee_minor bigint!, surplus bool!, note text, evidence_url text,
--   received_by uuid, paid_at timestamptz!, created_at timestamptz!
-- read
SELECT p.id, p.order_id, p.provider, p.provider_ref, p.amount_minor, p.currency, p.fee_minor,
  p.surplus, CASE WHEN $3 THEN p.reason END, CASE WHEN $3 THEN p.evidence_url END,
  CASE WHEN $3 THEN p.received_by END, p.paid_at, p.created_at
FROM payment p WHERE p.community_id = $1 AND p.order_id = $2
ORDER BY p.created_at, p.id
