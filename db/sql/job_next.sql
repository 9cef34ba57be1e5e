-- Jobs that nobody works on: waiting, or left behind by a worker whose lease has run out. Only a
-- look; job_take then decides, community by community.
-- in: kinds text[]!
-- out: community_id bigint!, id uuid!
-- global
-- read
SELECT community_id, id FROM job
WHERE finished_at IS NULL AND kind = ANY ($1) AND run_at <= now()
  AND (state = 'queued' OR taken_until <= now())
ORDER BY run_at LIMIT 16
