-- The members of a community, newest first: by a part of the name, or by the account whose contact
-- was typed, by role and by state.
-- in: q text, account uuid, role text, state text, after_key timestamptz, after_id uuid,
--   page int!
-- out: _key timestamptz!, id uuid!, display_name text!, role text!, state text!,
--   state_reason text, state_until timestamptz, locale text!, joined_at timestamptz!
-- read
SELECT m.joined_at, m.id, m.display_name, m.role, member_state(m, now()), m.state_reason,
       m.state_until, m.locale, m.joined_at
FROM member m
WHERE m.community_id = $1 AND m.left_at IS NULL
  AND ($2::text IS NULL OR m.account_id = $3 OR position(lower($2) IN lower(m.display_name)) > 0)
  AND ($4::text IS NULL OR m.role = $4)
  AND ($5::text IS NULL OR member_state(m, now()) = $5)
  AND ($6::timestamptz IS NULL OR (m.joined_at, m.id) < ($6, $7))
ORDER BY m.joined_at DESC, m.id DESC LIMIT $8
