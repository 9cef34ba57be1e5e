-- One venue.
-- in: id uuid!
-- out: id uuid!, name json!, address json, time_zone text!, exclusive bool!, seats int,
--   created_at timestamptz!, archived_at timestamptz, _version int!
-- read
SELECT id, name::json, address::json, zone, exclusive, seats, created_at, archived_at, version
FROM venue WHERE community_id = $1 AND id = $2
