-- The endpoints of a community, the oldest first.
-- out: id uuid!, url text!, description text, topics json, state text!, disabled_at timestamptz,
--   disabled_reason text, failing_since timestamptz, last_status int, last_error text,
--   previous_secret_until timestamptz, created_at timestamptz!, updated_at timestamptz!,
--   version int!
-- read
SELECT id, url, description, to_json(topics), state, disabled_at, disabled_reason, failing_since,
  last_status, last_error, previous_secret_until, created_at, updated_at, version
FROM webhook_shown WHERE community_id = $1 ORDER BY created_at, id
