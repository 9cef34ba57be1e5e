-- How an order can be paid: every open way, with what there is to pay; none when it needs nothing.
-- in: order_id uuid!, names text[]!, methods text[]!
-- out: provider text!, method text!, amount_minor bigint!, currency text!, account json
-- read
SELECT u.name, m.method, o.total_minor - o.paid_minor, o.currency, (g.shown -> 'account')::json
FROM orders o
JOIN community c ON c.id = $1
CROSS JOIN unnest($3::text[], $4::text[]) WITH ORDINALITY AS u (name, methods, number)
JOIN gateway_setting g ON g.community_id = $1 AND g.provider = u.name AND g.enabled
CROSS JOIN LATERAL unnest(string_to_array(u.methods, '|')) WITH ORDINALITY AS m (method, number)
WHERE o.community_id = $1 AND o.id = $2 AND o.status IN ('pending', 'partly_paid')
  AND (o.expires_at IS NULL OR o.expires_at > now()) AND (u.name <> 'test' OR c.demo)
ORDER BY u.number, m.number
