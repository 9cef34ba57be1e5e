-- The places for lectures, newest first.
-- in: archived bool, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, name json!, address json, time_zone text!, exclusive bool!, seats int,
--   created_at timestamptz!, archived_at timestamptz, _key timestamptz!
-- read
SELECT id, name::json, address::json, zone, exclusive, seats, created_at, archived_at, created_at
FROM venue
WHERE community_id = $1 AND ($2::bool IS NULL OR (archived_at IS NOT NULL) = $2)
  AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4))
ORDER BY created_at DESC, id DESC
LIMIT $5
