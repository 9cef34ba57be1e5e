-- Whose account a member is, what may be done to them, and the version that was looked at.
-- in: id uuid!
-- out: _account uuid!, _role text!, _version int!
-- read
SELECT account_id, role, version FROM member
WHERE community_id = $1 AND id = $2
