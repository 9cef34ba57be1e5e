-- The products of a community, archived ones too, the newest first.
-- in: after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, slug text!, kind text!, name json!, summary json, position int!, archived bool!,
--   created_at timestamptz!, version int!,
--   _key timestamptz!
-- read
SELECT id, slug, kind, name::json, summary::json, position, archived_at IS NOT NULL, created_at,
  version, created_at
FROM product
WHERE community_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
ORDER BY created_at DESC, id DESC
LIMIT $4
