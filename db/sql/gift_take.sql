-- Gives a gift to the member who has its link; again is the same.
-- in: id uuid!, member_id uuid!, role text!, audit_id uuid!, request_id text
-- out: _refusal text
WITH asked AS MATERIALIZED (
  SELECT m.id, member_state(m, now()) AS state, g.claimed_by IS NULL AS first FROM member m
  LEFT JOIN gift g ON g.community_id = $1 AND g.id = $2
  WHERE m.community_id = $1 AND m.id = $3
), taken AS MATERIALIZED (
  SELECT t.* FROM (SELECT id FROM asked WHERE state NOT IN ('suspended', 'banned')) AS a
  CROSS JOIN LATERAL gift_claim($1, $2, a.id, now()) AS t
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         request_id)
  SELECT $1, $5, $3, $4, 'gift.claim', 'gift', $2, $6 FROM taken, asked
  WHERE refusal IS NULL AND first
)
SELECT CASE state WHEN 'suspended' THEN 'member_suspended' WHEN 'banned' THEN 'member_banned'
       ELSE CASE refusal WHEN 'not_found' THEN 'gift_unknown' ELSE refusal END END
FROM asked LEFT JOIN taken ON true
