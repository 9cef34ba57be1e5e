-- One refund that was asked for.
-- in: id uuid!
-- out: id uuid!, order_id uuid!, payment_id uuid!, provider text!, amount_minor bigint!,
--   currency text!, state text!, reason text, keeps bool!, surplus bool!, reference text,
--   error text, asked_by uuid, created_at timestamptz!, finished_at timestamptz
-- read
SELECT q.id, p.order_id, p.id, p.provider, q.amount_minor, p.currency, q.state, q.reason, q.keeps,
  q.surplus, q.provider_ref, q.error, q.asked_by, q.created_at, q.finished_at
FROM refund_request q JOIN payment p ON p.community_id = $1 AND p.id = q.payment_id
WHERE q.community_id = $1 AND q.id = $2
