-- Orders whose time to be paid has passed.
-- in: most int!
-- out: community_id bigint!, id uuid!
-- global
-- read
SELECT community_id, id FROM orders
WHERE status = 'pending' AND expires_at <= now() ORDER BY expires_at LIMIT $1
