-- In which communities a person is a member, and as what.
-- in: account uuid!
-- out: _communities bigint[]!, _memberships json!
-- global
-- read
SELECT coalesce(array_agg(m.community_id), '{}'),
       coalesce(json_agg(json_build_object('community', m.community_id, 'member_id', m.id,
         'display_name', m.display_name, 'role', m.role, 'state', member_state(m, now()),
         'joined_at', m.joined_at)), '[]')
FROM (SELECT * FROM member WHERE account_id = $1 AND left_at IS NULL
      ORDER BY joined_at DESC LIMIT 200) m
