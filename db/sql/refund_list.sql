-- The money that went back of an order, or is on its way: asked for here, or done at the provider.
-- Its reason is for the buyer, too; what the provider said, and who asked, for operators (all).
-- in: order_id uuid!, all bool!
-- out: id uuid!, order_id uuid!, payment_id uuid!, provider text!, amount_minor bigint!,
--   currency text!, state text!, reason text, keeps bool!, surplus bool!, reference text,
--   error text, asked_by uuid, created_at timestamptz!, finished_at timestamptz
-- read
SELECT q.id, p.order_id, p.id, p.provider, q.amount_minor, p.currency, q.state, q.reason, q.keeps,
  q.surplus, q.provider_ref, CASE WHEN $3 THEN q.error END, CASE WHEN $3 THEN q.asked_by END,
  q.created_at, q.finished_at
FROM refund_request q JOIN payment p ON p.community_id = $1 AND p.id = q.payment_id
WHERE q.community_id = $1 AND p.order_id = $2
UNION ALL
SELECT r.id, p.order_id, p.id, p.provider, r.amount_minor, p.currency, 'done', r.reason, false,
  p.surplus, r.provider_ref, NULL, CASE WHEN $3 THEN r.refunded_by END, r.created_at, r.refunded_at
FROM refund r JOIN payment p ON p.community_id = $1 AND p.id = r.payment_id
WHERE r.community_id = $1 AND p.order_id = $2 AND r.request_id IS NULL
ORDER BY 14, 1
