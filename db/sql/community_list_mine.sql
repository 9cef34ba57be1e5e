-- The communities of a person's memberships, which were looked up before.
-- in: ids bigint[]!, memberships json!, current bigint!
-- out: slug text!, name json!, kind text!, member_id uuid!, display_name text!, role text!,
--   state text!, joined_at timestamptz!, current bool!
-- global
-- read
SELECT c.slug, c.name::json, c.kind, m.member_id, m.display_name, m.role, m.state, m.joined_at,
       c.id = $3
FROM community c
JOIN json_to_recordset($2) AS m (community bigint, member_id uuid, display_name text, role text,
                                 state text, joined_at timestamptz) ON m.community = c.id
WHERE c.id = ANY ($1)
ORDER BY m.joined_at DESC, c.slug
