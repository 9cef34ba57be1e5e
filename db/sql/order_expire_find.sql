-- Orders whose time to be paid has passed.
-- in: most int!
-- out: community_id bigint!, id uuid!
-- global
-- read
SELECT community_id, id FROM orders
WHERE closed_at IS NULL AND settled_at IS NULL AND disputed_at IS NULL AND expires_at <= now()
ORDER BY expires_at LIMIT $1
