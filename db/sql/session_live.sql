-- Is this session still good, and is the token's version the member's? Asked for every request
-- while notifications can't be relied on.
-- in: session uuid!, member uuid!, version bigint!
-- out: _live bool!
-- read
SELECT EXISTS (
  SELECT FROM session s JOIN member m ON m.community_id = s.community_id AND m.id = s.member_id
  WHERE s.community_id = $1 AND s.id = $2 AND s.member_id = $3 AND s.revoked_at IS NULL
    AND s.expires_at > now() AND m.token_version = $4)
