-- Oneself: the member, beside what the account says (handed in, for the two are never joined).
-- in: id uuid!, birth_year int, erase_after timestamptz, has_password bool!, contacts json!
-- out: id uuid!, display_name text!, bio text, role text!, state text!, state_reason text,
--   state_until timestamptz, locale text!, joined_at timestamptz!, birth_year int,
--   has_password bool!, contacts json!, erase_after timestamptz, consents json!,
--   updated_at timestamptz!, _version int!
-- read
SELECT m.id, m.display_name, m.bio, m.role, member_state(m, now()),
       CASE WHEN member_state(m, now()) <> 'active' THEN m.state_reason END,
       CASE WHEN member_state(m, now()) <> 'active' THEN m.state_until END,
       m.locale, m.joined_at, $3::int, $5::bool, $6::json, $4::timestamptz,
       (SELECT coalesce(json_agg(json_build_object(
                 'kind', t.kind, 'current', t.version,
                 'accepted', (SELECT max(c.version) FROM consent c
                              WHERE c.community_id = $1 AND c.member_id = m.id
                                AND c.kind = t.kind)) ORDER BY t.kind), '[]')
        FROM (SELECT kind, max(version) AS version FROM community_text
              WHERE community_id = $1 AND kind IN ('rules', 'privacy') GROUP BY kind) t),
       m.updated_at, m.version
FROM member m WHERE m.community_id = $1 AND m.id = $2
