-- The devices that a member is signed in on, newest first.
-- in: member uuid!, current uuid!, after_key timestamptz, after_id uuid, page int!
-- out: _key timestamptz!, id uuid!, device_name text, current bool!, created_at timestamptz!,
--   last_seen_at timestamptz!, expires_at timestamptz!
-- read
SELECT created_at, id, device_name, id = $3, created_at, last_seen_at, expires_at
FROM session
WHERE community_id = $1 AND member_id = $2 AND revoked_at IS NULL AND expires_at > now()
  AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5))
ORDER BY created_at DESC, id DESC LIMIT $6
