-- In how many communities is this person the only owner in good standing? These would be left
-- without one.
-- in: account uuid!
-- out: _communities bigint!
-- global
-- read
SELECT count(*) FROM member m
WHERE m.account_id = $1 AND m.keeps AND NOT EXISTS (
  SELECT FROM member o
  WHERE o.community_id = m.community_id AND o.id <> m.id AND o.role = 'owner' AND o.keeps)
