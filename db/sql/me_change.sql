-- Changes one's own profile by a merge patch. With a version, only if it is still that one.
-- in: id uuid!, body json!, was int!
-- out: _version int!
WITH patch AS (SELECT $3::jsonb AS p)
UPDATE member m SET
  display_name = coalesce(p ->> 'display_name', display_name),
  bio = CASE WHEN p ? 'bio' THEN nullif(p ->> 'bio', '') ELSE bio END,
  locale = coalesce(p ->> 'locale', locale),
  updated_at = now(), version = m.version + 1
FROM patch
WHERE m.community_id = $1 AND m.id = $2 AND ($4 = 0 OR m.version = $4)
RETURNING m.version
