-- Is this order here, and for these eyes? Of a member's own, or of anybody's for operators.
-- in: id uuid!, member_id uuid
-- out: _id uuid!
-- read
SELECT o.id FROM orders o
WHERE o.community_id = $1 AND o.id = $2 AND ($3::uuid IS NULL OR o.member_id = $3)
