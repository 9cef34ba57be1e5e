-- Gives a job back, to be taken again after a while.
-- in: id uuid!, worker text!, after_seconds bigint!, error text
UPDATE job
SET state = 'queued', taken_until = NULL, run_at = now() + make_interval(secs => $4), error = $5,
    updated_at = now()
WHERE community_id = $1 AND id = $2 AND taken_by = $3 AND state = 'running'
