-- A member as operators see them. The contacts are handed in, masked.
-- in: id uuid!, contacts json!
-- out: id uuid!, display_name text!, bio text, role text!, state text!, state_reason text,
--   state_until timestamptz, state_by uuid, locale text!, joined_at timestamptz!,
--   left_at timestamptz, contacts json!, updated_at timestamptz!, _version int!
-- read
SELECT m.id, m.display_name, m.bio, m.role, member_state(m, now()), m.state_reason, m.state_until,
       m.state_by, m.locale, m.joined_at, m.left_at, $3::json, m.updated_at, m.version
FROM member m WHERE m.community_id = $1 AND m.id = $2
