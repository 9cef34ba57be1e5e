-- Whose erasure a job is.
-- in: id uuid!
-- out: _account uuid!
SELECT (args ->> 'account')::uuid FROM job WHERE community_id = $1 AND id = $2
