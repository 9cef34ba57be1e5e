-- One lecturer's profile.
-- in: id uuid!
-- out: id uuid!, slug text!, name json!, bio json, portrait_url text, member_id uuid,
--   position int!, created_at timestamptz!, archived_at timestamptz, _version int!
-- read
SELECT id, slug, name::json, bio::json, portrait_url, member_id, position, created_at, archived_at,
  version
FROM lecturer WHERE community_id = $1 AND id = $2
