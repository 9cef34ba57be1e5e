-- The lecturers that a community shows, in its own order. The key is that order, put as a time.
-- in: after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, slug text!, name json!, bio json, portrait_url text, _key timestamptz!
-- read
SELECT id, slug, name::json, bio::json, portrait_url, to_timestamp(position)
FROM lecturer
WHERE community_id = $1 AND archived_at IS NULL
  AND ($2::timestamptz IS NULL OR (to_timestamp(position), id) > ($2, $3))
ORDER BY to_timestamp(position), id
LIMIT $4
