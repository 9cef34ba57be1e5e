-- A batch of codes, and how far its minting is.
-- in: id uuid!
-- out: id uuid!, count int!, done bigint!, state text!
-- read
SELECT b.id, b.count, coalesce(j.done, b.count), coalesce(j.state, 'done')
FROM code_batch b LEFT JOIN job j ON j.community_id = b.community_id AND j.id = b.job_id
WHERE b.community_id = $1 AND b.id = $2
