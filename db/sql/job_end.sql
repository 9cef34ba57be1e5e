-- A job is done or has failed for good.
-- in: id uuid!, worker text!, state text!, result json, error text
UPDATE job
SET state = $4, result = $5::jsonb, error = $6, taken_until = NULL, finished_at = now(),
    updated_at = now()
WHERE community_id = $1 AND id = $2 AND taken_by = $3 AND state = 'running'
