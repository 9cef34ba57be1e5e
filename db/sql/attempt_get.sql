-- One try to pay an order, with what the payer needs for it.
-- in: order_id uuid!, id uuid!
-- out: id uuid!, order_id uuid!, provider text!, method text!, state text!, amount_minor bigint!,
--   currency text!, pay_url text, account json, created_at timestamptz!, expires_at timestamptz
-- read
SELECT a.id, a.order_id, a.provider, a.method, a.state, a.amount_minor, a.currency, a.pay_url,
  (g.shown -> 'account')::json, a.created_at, a.expires_at
FROM payment_attempt a
LEFT JOIN gateway_setting g ON g.community_id = $1 AND g.provider = a.provider
WHERE a.community_id = $1 AND a.order_id = $2 AND a.id = $3
