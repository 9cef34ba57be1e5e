-- Gives days to who was to come to a lecture that was cancelled: those who had a seat, or the whole
-- course; not to who bought a ticket, for that money goes back. Days of one plan for all; or, for a
-- product, of the plan that each holds of it, when it was cancelled or was to begin, and nothing to
-- others. At most 500 at once, each member once, however often and of whatever it is asked.
-- in: lecture_id uuid!, plan_id uuid, product_id uuid, days int!, reason text!, actor uuid!,
--   role text!, audit_id uuid!, request_id text
-- out: given int!, already int!, nothing_to_add int!, others int!, remaining int!, _refusal text,
--   _pointer text
WITH judged AS MATERIALIZED (
  SELECT l.id, l.cancelled_at, lower(l.during) AS begins, CASE
      WHEN l.status <> 'cancelled' THEN 'state_forbids'
      WHEN p.id IS NULL OR p.kind NOT IN ('membership', 'camp') THEN 'body_invalid' END AS refusal
  FROM lecture l
  LEFT JOIN plan n ON n.community_id = $1 AND n.id = $3
  LEFT JOIN product p ON p.community_id = $1 AND p.id = coalesce($4, n.product_id)
  WHERE l.community_id = $1 AND l.id = $2 AND l.status <> 'draft'
), invited AS MATERIALIZED (
  SELECT r.member_id, c.member_id IS NOT NULL AS had,
    CASE WHEN $4 IS NULL THEN $3 ELSE (
      SELECT e.plan_id FROM unnest(ARRAY[j.cancelled_at, j.begins]) AS at
      CROSS JOIN LATERAL entitled_to($1, r.member_id, $4, at) e
      ORDER BY upper(e.span) DESC LIMIT 1) END AS plan_id
  FROM (SELECT DISTINCT member_id FROM roster($1, $2)) r CROSS JOIN judged j
  LEFT JOIN compensation c ON c.community_id = $1 AND c.lecture_id = $2
    AND c.member_id = r.member_id
  WHERE NOT EXISTS (
    SELECT FROM orders o JOIN order_line i ON i.community_id = $1 AND i.order_id = o.id
    WHERE o.community_id = $1 AND o.member_id = r.member_id AND o.kind = 'ticket'
      AND o.settled_at IS NOT NULL AND i.lecture_id = $2)
), due AS MATERIALIZED (
  SELECT * FROM invited WHERE had OR plan_id IS NOT NULL
), tried AS MATERIALIZED (
  SELECT compensate($1, $2, d.member_id, n, $5, $6, $7) AS outcome
  FROM judged j
  CROSS JOIN (SELECT * FROM due WHERE NOT had ORDER BY member_id LIMIT 500) d
  JOIN plan n ON n.community_id = $1 AND n.id = d.plan_id
  WHERE j.refusal IS NULL
), counted AS MATERIALIZED (
  SELECT count(*) FILTER (WHERE outcome = 'given') AS given,
    count(*) FILTER (WHERE outcome = 'nothing') AS nothing, count(*) AS tried FROM tried
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, reason, request_id)
  SELECT $1, $9, $7, $8, 'lecture.compensate', 'lecture', $2,
    jsonb_strip_nulls(jsonb_build_object('plan_id', $3::uuid, 'product_id', $4::uuid,
      'days', $5, 'given', given)), $6, $10
  FROM counted WHERE given > 0
)
SELECT k.given::int, ((SELECT count(*) FROM due) - (SELECT count(*) FROM due WHERE NOT had)
    + k.tried - k.given - k.nothing)::int, k.nothing::int,
  ((SELECT count(*) FROM invited) - (SELECT count(*) FROM due))::int,
  ((SELECT count(*) FROM due WHERE NOT had) - k.tried)::int, j.refusal,
  CASE WHEN j.refusal = 'body_invalid' THEN
    CASE WHEN $4 IS NULL THEN '/plan_id' ELSE '/product_id' END END
FROM judged j CROSS JOIN counted k
