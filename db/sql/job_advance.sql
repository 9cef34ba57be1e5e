-- So many more are done: part of the transaction that did them, so that neither is without the
-- other. Renews the lease; no row when it is another's by now, or the job was cancelled. Progress
-- makes earlier tries forgotten.
-- in: id uuid!, worker text!, count bigint!, lease_seconds bigint!
-- out: done bigint!
UPDATE job
SET done = done + $4, taken_until = now() + make_interval(secs => $5), tries = 1,
    updated_at = now()
WHERE community_id = $1 AND id = $2 AND taken_by = $3 AND state = 'running'
  AND done + failed + $4 <= total
RETURNING done
