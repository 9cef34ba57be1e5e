-- Gives days to who was to come to a lecture that was cancelled: those who had a seat, or the whole
-- course; not to who bought a ticket, for that money goes back. At most 500 at once, each member
-- once, however often it is asked.
-- in: lecture_id uuid!, plan_id uuid!, days int!, reason text!, actor uuid!, role text!,
--   audit_id uuid!, request_id text
-- out: given int!, already int!, nothing_to_add int!, remaining int!, _refusal text,
--   _pointer text, _fault text
WITH judged AS MATERIALIZED (
  SELECT l.id, n AS plan, CASE
      WHEN l.status <> 'cancelled' THEN 'state_forbids'
      WHEN p.id IS NULL OR p.kind NOT IN ('membership', 'camp') THEN 'body_invalid' END AS refusal
  FROM lecture l
  LEFT JOIN plan n ON n.community_id = $1 AND n.id = $3
  LEFT JOIN product p ON p.community_id = $1 AND p.id = n.product_id
  WHERE l.community_id = $1 AND l.id = $2 AND l.status <> 'draft'
), due AS MATERIALIZED (
  SELECT r.member_id, c.member_id IS NOT NULL AS had
  FROM (SELECT DISTINCT member_id FROM roster($1, $2)) r
  LEFT JOIN compensation c ON c.community_id = $1 AND c.lecture_id = $2
    AND c.member_id = r.member_id
  WHERE NOT EXISTS (
    SELECT FROM orders o JOIN order_line i ON i.community_id = $1 AND i.order_id = o.id
    WHERE o.community_id = $1 AND o.member_id = r.member_id AND o.kind = 'ticket'
      AND o.settled_at IS NOT NULL AND i.lecture_id = $2)
), tried AS MATERIALIZED (
  SELECT compensate($1, $2, d.member_id, j.plan, $4, $5, $6) AS outcome
  FROM (SELECT member_id FROM due WHERE NOT had ORDER BY member_id LIMIT 500) d, judged j
  WHERE j.refusal IS NULL
), counted AS MATERIALIZED (
  SELECT count(*) FILTER (WHERE outcome = 'given') AS given,
    count(*) FILTER (WHERE outcome = 'nothing') AS nothing, count(*) AS tried FROM tried
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, reason, request_id)
  SELECT $1, $8, $6, $7, 'lecture.compensate', 'lecture', $2,
    jsonb_build_object('plan_id', $3::uuid, 'days', $4, 'given', given), $5, $9
  FROM counted WHERE given > 0
)
SELECT k.given::int, ((SELECT count(*) FROM due) - (SELECT count(*) FROM due WHERE NOT had)
    + k.tried - k.given - k.nothing)::int, k.nothing::int,
  ((SELECT count(*) FROM due WHERE NOT had) - k.tried)::int, j.refusal,
  CASE j.refusal WHEN 'body_invalid' THEN '/plan_id' END, NULL
FROM judged j CROSS JOIN counted k
