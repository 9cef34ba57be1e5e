-- Closes an order whose time to be paid has passed, and frees what it held.
-- in: id uuid!
-- out: _done bool!
-- again: safe
SELECT order_close($1, o.id, 'expired')
FROM orders o WHERE o.community_id = $1 AND o.id = $2 AND o.expires_at <= now()
