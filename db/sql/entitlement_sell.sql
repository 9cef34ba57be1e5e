-- Records a payment that an operator received, and gives what it bought: order, line, payment and
-- span together or not at all. The price is the plan's; what was paid less is a discount, which the
-- reason explains, and more is refused. A period is counted by the calendar in UTC.
-- in: member_id uuid!, id uuid!, order_id uuid!, line_id uuid!, payment_id uuid!, plan_id uuid!,
--   amount_minor bigint!, currency text!, reference text!, paid_at timestamptz, reason text!,
--   actor uuid!, role text!, audit_id uuid!, request_id text
-- out: _refusal text, _pointer text, _fault text
WITH chosen AS MATERIALIZED (
  SELECT n.*, greatest(now(), (
      SELECT upper(e.span) FROM entitlement e
      WHERE e.community_id = $1 AND e.member_id = $2 AND e.product_id = n.product_id
        AND e.voided_at IS NULL
      ORDER BY upper(e.span) DESC LIMIT 1)) AS starts_at
  FROM plan n WHERE n.community_id = $1 AND n.id = $7
), timed AS MATERIALIZED (
  SELECT c.*, CASE period_unit
      WHEN 'lifetime' THEN '2299-12-31Z'::timestamptz
      ELSE (starts_at AT TIME ZONE 'UTC' + make_interval(
        days => CASE period_unit WHEN 'day' THEN period_count ELSE 0 END,
        weeks => CASE period_unit WHEN 'week' THEN period_count ELSE 0 END,
        months => CASE period_unit WHEN 'month' THEN period_count ELSE 0 END,
        years => CASE period_unit WHEN 'year' THEN period_count ELSE 0 END)) AT TIME ZONE 'UTC'
    END AS ends_at
  FROM chosen c
), judged AS MATERIALIZED (
  SELECT t.*, CASE
      WHEN NOT EXISTS (SELECT FROM member m WHERE m.community_id = $1 AND m.id = $2)
        THEN 'not_found'
      WHEN t.id IS NULL THEN 'body_invalid'
      WHEN t.retired_at IS NOT NULL THEN 'plan_retired'
      WHEN t.period_unit IS NULL THEN 'state_forbids'
      WHEN t.currency <> $9 THEN 'differs'
      WHEN $8 > t.price_minor THEN 'too_much'
      WHEN $11 > now() + interval '1 hour' THEN 'too_late'
      WHEN t.ends_at >= '2300-01-01Z' OR t.ends_at <= t.starts_at THEN 'nothing_to_add'
    END AS refusal
  FROM (SELECT) AS always LEFT JOIN timed t ON true
), ordered AS (
  INSERT INTO orders (community_id, id, member_id, kind, currency, total_minor, paid_minor)
  SELECT $1, $4, $2, 'by_hand', currency, $8, $8 FROM judged WHERE refusal IS NULL
  RETURNING id
), lined AS (
  INSERT INTO order_line (community_id, id, order_id, product_id, plan_id, unit_minor,
                          discount_minor)
  SELECT $1, $5, o.id, product_id, j.id, price_minor, price_minor - $8 FROM ordered o, judged j
  RETURNING id
), paid AS (
  INSERT INTO payment (community_id, id, order_id, provider, provider_ref, amount_minor, currency,
                       received_by, reason, paid_at)
  SELECT $1, $6, o.id, 'hand', $10, $8, currency, $13, $12, coalesce($11, now())
  FROM ordered o, judged j
), granted AS (
  INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, grace_days,
                           source, order_line_id, unit, granted_by, reason)
  SELECT $1, $2, $3, product_id, j.id, tstzrange(starts_at, ends_at), grace_days, 'order', l.id,
    1, $13, $12
  FROM lined l, judged j
  RETURNING id, plan_id, span
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, reason, request_id)
  SELECT $1, $15, $13, $14, 'payment.record', 'member', $2,
    jsonb_build_object('entitlement_id', id, 'order_id', $4, 'plan_id', plan_id,
                       'amount_minor', $8, 'currency', $9, 'reference', $10,
                       'starts_at', iso(lower(span)), 'ends_at', iso(upper(span))), $12, $16
  FROM granted
), told AS (
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  SELECT $1, id, 'payment.received', $2, jsonb_build_object('order_id', $4) FROM granted
)
SELECT CASE WHEN refusal IN ('differs', 'too_much', 'too_late') THEN 'body_invalid'
            ELSE refusal END,
  CASE refusal WHEN 'body_invalid' THEN '/plan_id' WHEN 'differs' THEN '/currency'
               WHEN 'too_much' THEN '/amount_minor' WHEN 'too_late' THEN '/paid_at' END,
  CASE WHEN refusal IN ('differs', 'too_much', 'too_late') THEN refusal END
FROM judged
