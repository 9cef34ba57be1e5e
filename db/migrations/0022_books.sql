-- What the books are looked at by: invoice requests of one member, and what renewing plans brought.

CREATE INDEX invoice_request_of_member
  ON invoice_request (community_id, member_id, created_at, id);
CREATE INDEX orders_settled_at ON orders (community_id, settled_at) WHERE settled_at IS NOT NULL;

-- How a receipt is called: 2026-000017.
CREATE FUNCTION receipt_shown(year int, number int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN year || '-' || lpad(number::text, greatest(6, length(number::text)), '0');

-- The requests as they are shown, with the receipt that they are about.
CREATE VIEW invoice_request_shown AS
SELECT i.community_id, i.id, i.order_id, i.member_id, i.kind, i.sealed, i.state, i.number,
  i.reason, receipt_shown(r.year, r.number) AS receipt_number,
  o.paid_minor - o.refunded_minor AS amount_minor, o.currency, i.created_at, i.decided_at,
  i.version
FROM invoice_request i
JOIN orders o ON o.community_id = i.community_id AND o.id = i.order_id
LEFT JOIN receipt r ON r.community_id = i.community_id AND r.order_id = i.order_id;
GRANT SELECT ON invoice_request_shown TO lyceum_server;

-- All time that orders of renewing plans bought, also what was carried on, and what 30.4375 days
-- (a twelfth of 365.25) of it cost: what the line came to before credit, spread evenly over the
-- time that was agreed. `voided_at` is when it went out of force.
CREATE FUNCTION renewing_time(community bigint)
RETURNS TABLE (member_id uuid, product_id uuid, span tstzrange, grace_days int,
               voided_at timestamptz, currency text, monthly_minor numeric)
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE tree AS (
    SELECT e.member_id, e.id, e.order_line_id AS line_id FROM entitlement e
    WHERE e.community_id = $1 AND e.source = 'order'
    UNION
    SELECT k.member_id, k.entitlement_id, t.line_id FROM tree t
    JOIN carry k ON k.community_id = $1 AND k.from_member_id = t.member_id AND k.from_id = t.id
  )
  SELECT e.member_id, e.product_id, e.span, e.grace_days, e.voided_at, o.currency,
    (l.unit_minor * l.quantity - l.discount_minor)::numeric
      / CASE o.kind WHEN 'seats' THEN l.quantity * coalesce(n.seats, 1) ELSE l.quantity END
      * (30.4375 * 86400) / extract(epoch FROM l.ends_at - l.starts_at)
  FROM tree t
  JOIN entitlement e ON e.community_id = $1 AND e.member_id = t.member_id AND e.id = t.id
  JOIN order_line l ON l.community_id = $1 AND l.id = t.line_id
  JOIN orders o ON o.community_id = $1 AND o.id = l.order_id
  JOIN plan n ON n.community_id = $1 AND n.id = l.plan_id
  WHERE n.renews AND n.period_unit <> 'lifetime' AND l.ends_at > l.starts_at
$$;

-- The months of a report, by the community's clocks: each from its first moment to the next one's,
-- the present one to now.
CREATE FUNCTION report_months(zone text, from_month text, until_month text)
RETURNS TABLE (month text, since timestamptz, until timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT to_char(m, 'YYYY-MM'), m AT TIME ZONE zone,
    least(now(), (m + interval '1 month') AT TIME ZONE zone)
  FROM generate_series(to_date(from_month, 'YYYY-MM')::timestamp,
                       to_date(until_month, 'YYYY-MM')::timestamp, interval '1 month') AS m
  WHERE m AT TIME ZONE zone <= now()
$$;
