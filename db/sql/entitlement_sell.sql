-- Records a payment that an operator received, and gives what it bought: order, line, payment and
-- span together or not at all. The price is the plan's; what was paid less is a discount, which the
-- reason explains, and more is refused. It stands in the books and gets its receipt as any
-- other. A period is counted by the calendar in UTC.
-- in: member_id uuid!, order_id uuid!, line_id uuid!, payment_id uuid!, plan_id uuid!,
--   amount_minor bigint!, currency text!, reference text!, paid_at timestamptz, reason text!,
--   actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid, _refusal text, _pointer text, _fault text
WITH chosen AS MATERIALIZED (
  SELECT n.*, n AS whole, greatest(now(), (
      SELECT upper(e.span) FROM entitlement e
      WHERE e.community_id = $1 AND e.member_id = $2 AND e.product_id = n.product_id
        AND e.voided_at IS NULL
      ORDER BY upper(e.span) DESC LIMIT 1)) AS starts_at
  FROM plan n WHERE n.community_id = $1 AND n.id = $6
), timed AS MATERIALIZED (
  SELECT c.*, period_end(starts_at, period_unit, period_count) AS ends_at
  FROM chosen c
), judged AS MATERIALIZED (
  SELECT t.*, CASE
      WHEN NOT EXISTS (SELECT FROM member m WHERE m.community_id = $1 AND m.id = $2)
        THEN 'not_found'
      WHEN t.id IS NULL THEN 'body_invalid'
      WHEN t.retired_at IS NOT NULL THEN 'plan_retired'
      WHEN t.period_unit IS NULL THEN 'state_forbids'
      WHEN t.currency <> $8 THEN 'differs'
      WHEN $7 > t.price_minor THEN 'too_much'
      WHEN $10 > now() + interval '1 hour' THEN 'too_late'
      WHEN t.ends_at >= '2300-01-01Z' OR t.ends_at <= t.starts_at THEN 'nothing_to_add'
    END AS refusal
  FROM (SELECT) AS always LEFT JOIN timed t ON true
), granted AS (
  SELECT (e).* FROM (
    SELECT sell_by_hand($1, $2, $3, $4, $5, j.whole, $7, $9, coalesce($10, now()), $11, $12) AS e
    FROM judged j WHERE refusal IS NULL OFFSET 0) AS given
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, reason, request_id)
  SELECT $1, $14, $12, $13, 'payment.record', 'member', $2,
    jsonb_build_object('entitlement_id', g.id, 'order_id', $3, 'plan_id', $6::uuid,
                       'amount_minor', $7, 'currency', $8, 'reference', $9,
                       'starts_at', iso(lower(g.span)), 'ends_at', iso(upper(g.span))), $11, $15
  FROM granted g
)
SELECT g.id, CASE WHEN refusal IN ('differs', 'too_much', 'too_late') THEN 'body_invalid'
            ELSE refusal END,
  CASE refusal WHEN 'body_invalid' THEN '/plan_id' WHEN 'differs' THEN '/currency'
               WHEN 'too_much' THEN '/amount_minor' WHEN 'too_late' THEN '/paid_at' END,
  CASE WHEN refusal IN ('differs', 'too_much', 'too_late') THEN refusal END
FROM judged LEFT JOIN granted g ON true
