-- Locks a campaign for the rest of the transaction, so that its quota is counted by one at a time.
-- in: id uuid!
-- out: _id uuid!
SELECT id FROM campaign WHERE community_id = $1 AND id = $2 FOR NO KEY UPDATE
