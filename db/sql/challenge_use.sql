-- A code is used once: of two at the same time the second finds no row.
-- in: id uuid!
-- out: _id uuid!
UPDATE challenge SET used_at = now()
WHERE community_id = $1 AND id = $2 AND used_at IS NULL AND expires_at > now()
RETURNING id
