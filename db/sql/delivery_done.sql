-- A message was handed over, or is of no use any more.
-- in: id uuid!
-- out: _id uuid!
-- again: safe
DELETE FROM delivery WHERE community_id = $1 AND id = $2 RETURNING id
