-- A job: how far it is, and what came of it.
-- in: id uuid!
-- out: id uuid!, kind text!, state text!, total bigint, done bigint!, failed bigint!, result json,
--   error text, created_at timestamptz!, updated_at timestamptz!, finished_at timestamptz,
--   _taken_by text
-- read
SELECT id, kind, state, total, done, failed, result::json, error, created_at, updated_at,
       finished_at, taken_by
FROM job WHERE community_id = $1 AND id = $2
