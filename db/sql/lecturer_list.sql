-- All lecturers' profiles, in the community's order, for who makes the schedule.
-- in: archived bool, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, slug text!, name json!, bio json, portrait_url text, member_id uuid,
--   position int!, created_at timestamptz!, archived_at timestamptz, _key timestamptz!
-- read
SELECT id, slug, name::json, bio::json, portrait_url, member_id, position, created_at, archived_at,
  to_timestamp(position)
FROM lecturer
WHERE community_id = $1 AND ($2::bool IS NULL OR (archived_at IS NOT NULL) = $2)
  AND ($3::timestamptz IS NULL OR (to_timestamp(position), id) > ($3, $4))
ORDER BY to_timestamp(position), id
LIMIT $5
