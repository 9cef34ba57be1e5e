-- Takes a job by a lease that is committed. Of several workers that try at once one gets a row:
-- the others wait for its row lock and then find the condition no longer true. The lease of a
-- worker who is known to be dead needs not run out.
-- in: id uuid!, worker text!, lease_seconds bigint!, dead text
-- out: kind text!, total bigint, done bigint!, tries int!
UPDATE job
SET state = 'running', taken_by = $3, taken_until = now() + make_interval(secs => $4),
    tries = tries + 1, updated_at = now()
WHERE community_id = $1 AND id = $2 AND finished_at IS NULL
  AND (state = 'queued' AND run_at <= now()
       OR state = 'running' AND (taken_until <= now() OR taken_by = $5))
RETURNING kind, total, done, tries
