-- The job that erases when the time to come back has passed. It looks again by itself whether the
-- wish still stands; asking again moves it.
-- in: id uuid!, account uuid!, run_at timestamptz!, created_by uuid!
-- out: _id uuid!
INSERT INTO job AS w (community_id, id, kind, unique_key, args, run_at, created_by)
VALUES ($1, $2, 'erase_account', $3::text, jsonb_build_object('account', $3), $4, $5)
ON CONFLICT (community_id, kind, unique_key) WHERE unique_key IS NOT NULL AND finished_at IS NULL
DO UPDATE SET run_at = excluded.run_at
RETURNING id
