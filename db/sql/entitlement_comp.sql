-- Gives a member time for nothing: from the end of what they have, or now, until a day that is
-- always named, so that no comp outlives its reason.
-- in: member_id uuid!, id uuid!, plan_id uuid!, ends_at timestamptz!, reason text!, actor uuid!,
--   role text!, audit_id uuid!, request_id text
-- out: _refusal text, _pointer text, _fault text
WITH chosen AS MATERIALIZED (
  SELECT n.id, n.product_id, greatest(now(), (
      SELECT upper(e.span) FROM entitlement e
      WHERE e.community_id = $1 AND e.member_id = $2 AND e.product_id = n.product_id
        AND e.voided_at IS NULL
      ORDER BY upper(e.span) DESC LIMIT 1)) AS starts_at
  FROM plan n WHERE n.community_id = $1 AND n.id = $4
), judged AS MATERIALIZED (
  SELECT c.*, CASE
      WHEN NOT EXISTS (SELECT FROM member m WHERE m.community_id = $1 AND m.id = $2)
        THEN 'not_found'
      WHEN c.id IS NULL THEN 'body_invalid'
      WHEN $5 <= c.starts_at OR $5 >= '2300-01-01Z' THEN 'too_early' END AS refusal
  FROM (SELECT) AS always LEFT JOIN chosen c ON true
), granted AS (
  INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
                           granted_by, reason)
  SELECT $1, $2, $3, product_id, id, tstzrange(starts_at, $5), 'comp', $7, $6
  FROM judged WHERE refusal IS NULL
  RETURNING id, plan_id, span
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, reason, request_id)
  SELECT $1, $9, $7, $8, 'entitlement.comp', 'member', $2,
    jsonb_build_object('entitlement_id', id, 'plan_id', plan_id, 'starts_at', iso(lower(span)),
                       'ends_at', iso(upper(span))), $6, $10
  FROM granted
), told AS (
  INSERT INTO outbox (community_id, id, topic, subject_id)
  SELECT $1, id, 'entitlement.granted', $2 FROM granted
)
SELECT CASE refusal WHEN 'too_early' THEN 'body_invalid' ELSE refusal END,
  CASE refusal WHEN 'body_invalid' THEN '/plan_id' WHEN 'too_early' THEN '/ends_at' END,
  CASE refusal WHEN 'too_early' THEN 'too_early' END
FROM judged
