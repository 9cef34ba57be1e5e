-- The unfinished jobs of a kind, oldest first.
-- in: kind text!
-- out: id uuid!
-- read
SELECT id FROM job
WHERE community_id = $1 AND kind = $2 AND finished_at IS NULL ORDER BY created_at, id LIMIT 1000
