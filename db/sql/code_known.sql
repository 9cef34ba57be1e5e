-- Is there such a code?
-- in: id uuid!
-- out: _id uuid!
-- read
SELECT id FROM invite_code WHERE community_id = $1 AND id = $2
