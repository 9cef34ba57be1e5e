-- Locks a product for the rest of the transaction: its plans get their versions one after the
-- other.
-- in: id uuid!
-- out: _id uuid!
SELECT id FROM product WHERE community_id = $1 AND id = $2 FOR NO KEY UPDATE
