-- Communities through whose members it is time to walk, and where the walk goes on. Each rests for
-- ten minutes after its walk began.
-- in: most int!
-- out: community_id bigint!, id uuid!
-- global
-- read
SELECT c.id, coalesce(w.after_id, '00000000-0000-0000-0000-000000000000')
FROM community c LEFT JOIN life_walk w ON w.community_id = c.id
WHERE w.after_id IS NOT NULL OR coalesce(w.walked_at <= now() - interval '10 minutes', true)
ORDER BY w.walked_at NULLS FIRST LIMIT $1
