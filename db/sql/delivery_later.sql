-- A message could not be handed over now.
-- in: id uuid!, seconds int!
-- out: _id uuid!
-- again: safe
UPDATE delivery SET due_at = now() + make_interval(secs => $3)
WHERE community_id = $1 AND id = $2 RETURNING id
