-- Payments of an order that their payers took back through their bank, or try to.
-- in: order_id uuid!
-- out: id uuid!, order_id uuid!, payment_id uuid!, provider text!, reference text!,
--   amount_minor bigint!, currency text!, reason text, state text!, opened_at timestamptz!,
--   ended_at timestamptz
-- read
SELECT d.id, p.order_id, p.id, p.provider, d.provider_ref, d.amount_minor, p.currency, d.reason,
  d.state, d.opened_at, d.ended_at
FROM dispute d JOIN payment p ON p.community_id = $1 AND p.id = d.payment_id
WHERE d.community_id = $1 AND p.order_id = $2
ORDER BY d.opened_at, d.id
