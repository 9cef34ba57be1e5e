-- Locks a plan for the rest of the transaction: how it is sold is compared and changed by one.
-- in: id uuid!
-- out: _id uuid!
SELECT id FROM plan WHERE community_id = $1 AND id = $2 FOR NO KEY UPDATE
