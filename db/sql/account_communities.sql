-- Where a person is or was a member.
-- in: account uuid!
-- out: _communities bigint[]!
-- global
-- read
SELECT coalesce(array_agg(community_id), '{}') FROM member WHERE account_id = $1
