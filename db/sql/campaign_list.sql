-- The campaigns of a community, the newest first.
-- in: after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, name text!, source text, quota int, valid_from timestamptz,
--   valid_until timestamptz, once_per_member bool!, created_at timestamptz!,
--   ended_at timestamptz, version int!,
--   _key timestamptz!
-- read
SELECT id, name, source, quota, valid_from, valid_until, once_per_member, created_at, ended_at,
  version,
  created_at
FROM campaign
WHERE community_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
ORDER BY created_at DESC, id DESC
LIMIT $4
