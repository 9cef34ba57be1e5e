-- The receipt of an order: a member's own, or (all) anybody's. The period is what was agreed, or,
-- when it was paid later than its quote held, what was given.
-- in: order_id uuid!, member_id uuid!, all bool!
-- out: number text!, issued_at timestamptz!, order_id uuid!, order_kind text!, member_id uuid!,
--   member_name text!, community_name json!, currency text!, lines json!, subtotal_minor bigint!,
--   discount_minor bigint!, credit_minor bigint!, total_minor bigint!, payments json!,
--   refunded_minor bigint!, refunds json!, starts_at timestamptz, ends_at timestamptz,
--   _paper json!
-- read
WITH named AS (
  SELECT c.name, c.zone FROM community c WHERE c.id = $1
), line AS (
  SELECT l.*, p.name AS product_name, n.name AS plan_name, n.seats,
    CASE WHEN late THEN lower(e.span) ELSE l.starts_at END AS begins,
    CASE WHEN late THEN upper(e.span) ELSE l.ends_at END AS ends
  FROM orders o
  CROSS JOIN LATERAL (SELECT o.quote_until < o.settled_at AS late) AS late
  JOIN order_line l ON l.community_id = $1 AND l.order_id = o.id
  JOIN product p ON p.community_id = $1 AND p.id = l.product_id
  JOIN plan n ON n.community_id = $1 AND n.id = l.plan_id
  LEFT JOIN entitlement e ON e.community_id = $1 AND e.order_line_id = l.id AND e.unit = 1
    AND o.kind IN ('purchase', 'renewal', 'upgrade', 'by_hand')
  WHERE o.community_id = $1 AND o.id = $2
), added AS (
  SELECT sum(unit_minor * quantity)::bigint AS subtotal, sum(discount_minor)::bigint AS discount,
    sum(credit_minor)::bigint AS credit, min(begins) AS begins, max(ends) AS ends,
    json_agg(json_build_object('product_name', product_name, 'plan_name', plan_name,
      'quantity', quantity, 'unit_minor', unit_minor, 'amount_minor', unit_minor * quantity,
      'seats', seats, 'starts_at', iso(begins), 'ends_at', iso(ends)) ORDER BY id) AS lines
  FROM line
), paid AS (
  SELECT json_agg(json_build_object('provider', p.provider, 'reference', p.provider_ref,
    'amount_minor', p.amount_minor, 'paid_at', iso(p.paid_at)) ORDER BY p.paid_at, p.id) AS list,
    json_agg(to_char(p.paid_at AT TIME ZONE named.zone, 'YYYY-MM-DD HH24:MI')
             ORDER BY p.paid_at, p.id) AS days
  FROM named, payment p WHERE p.community_id = $1 AND p.order_id = $2 AND NOT p.surplus
), back AS (
  SELECT json_agg(json_build_object('amount_minor', r.amount_minor, 'reason', r.reason,
    'refunded_at', iso(r.refunded_at)) ORDER BY r.refunded_at, r.id) AS list
  FROM payment p JOIN refund r ON r.community_id = $1 AND r.payment_id = p.id
  WHERE p.community_id = $1 AND p.order_id = $2 AND NOT p.surplus
)
SELECT receipt_shown(r.year, r.number), r.issued_at, o.id, o.kind, o.member_id, m.display_name,
  named.name::json, r.currency, added.lines, added.subtotal, added.discount, added.credit,
  r.total_minor, coalesce(paid.list, '[]'), o.refunded_minor, coalesce(back.list, '[]'),
  added.begins, added.ends, json_build_object(
    'issued', to_char(r.issued_at AT TIME ZONE named.zone, 'YYYY-MM-DD'),
    'starts', to_char(added.begins AT TIME ZONE named.zone, 'YYYY-MM-DD'),
    'ends', to_char(added.ends AT TIME ZONE named.zone, 'YYYY-MM-DD'),
    'payments', paid.days)
FROM receipt r
JOIN orders o ON o.community_id = $1 AND o.id = r.order_id
JOIN member m ON m.community_id = $1 AND m.id = o.member_id
CROSS JOIN named CROSS JOIN added CROSS JOIN paid CROSS JOIN back
WHERE r.community_id = $1 AND r.order_id = $2 AND ($4 OR o.member_id = $3)
