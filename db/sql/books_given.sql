-- Settled orders that have not given what they bought, and paid ones that were not settled.
-- out: row text!, says text!, todo text!
-- read
WITH bought AS (
  SELECT l.order_id, o.kind, o.member_id, l.id, l.product_id, l.lecture_id, l.quantity,
    l.starts_at, l.ends_at, n.seats, n.period_unit, CASE
      WHEN o.kind = 'gift' THEN 'gift'
      WHEN o.kind = 'seats' THEN 'seat'
      WHEN o.kind = 'ticket' THEN 'ticket'
      WHEN o.kind = 'tip' OR p.kind = 'donation' THEN 'nothing'
      WHEN l.trial THEN 'trial'
      ELSE 'span' END AS form
  FROM orders o
  JOIN order_line l ON l.community_id = $1 AND l.order_id = o.id
  JOIN plan n ON n.community_id = $1 AND n.id = l.plan_id
  JOIN product p ON p.community_id = $1 AND p.id = l.product_id
  WHERE o.community_id = $1 AND o.settled_at IS NOT NULL
), counted AS (
  SELECT b.*, CASE form
      WHEN 'gift' THEN (SELECT count(*) FROM gift g
        WHERE g.community_id = $1 AND g.order_line_id = b.id)
      WHEN 'seat' THEN (SELECT count(*) FROM group_seat s
        WHERE s.community_id = $1 AND s.order_line_id = b.id)
      WHEN 'ticket' THEN (SELECT count(*) FROM rsvp r
        WHERE r.community_id = $1 AND r.lecture_id = b.lecture_id AND r.member_id = b.member_id)
      WHEN 'trial' THEN (SELECT count(*) FROM entitlement e
        WHERE e.community_id = $1 AND e.member_id = b.member_id AND e.product_id = b.product_id
          AND e.source = 'trial')
      WHEN 'span' THEN (SELECT count(*) FROM entitlement e
        WHERE e.community_id = $1 AND e.order_line_id = b.id) END AS given,
    CASE form WHEN 'gift' THEN b.quantity WHEN 'seat' THEN b.quantity * coalesce(b.seats, 1)
      ELSE 1 END AS wanted,
    -- How long it lasts in all, what was carried on or taken back included.
    CASE WHEN form = 'span' AND period_unit <> 'lifetime' THEN (
      SELECT sum(extract(epoch FROM upper(e.span) - lower(e.span)))
      FROM spans_of_line($1, b.id) s
      JOIN entitlement e ON e.community_id = $1 AND e.member_id = s.member_id AND e.id = s.id)
      - extract(epoch FROM b.ends_at - b.starts_at) END AS longer
  FROM bought b
), judged AS (
  SELECT order_id, form || 's: ' || given || ' were given instead of ' || wanted AS says
  FROM counted WHERE form <> 'nothing' AND given <> wanted
  UNION ALL
  -- Months differ by three days: paid after its quote ran out, a period may begin in another one.
  SELECT order_id, 'what it gave lasts ' || round(abs(longer)) || ' seconds '
    || CASE WHEN longer > 0 THEN 'longer' ELSE 'less long' END || ' than what was agreed'
  FROM counted
  WHERE abs(longer) > CASE WHEN period_unit IN ('month', 'year') THEN 3 * 86400 ELSE 1 END
  UNION ALL
  SELECT o.id, 'it is paid in full and was not settled' FROM orders o
  WHERE o.community_id = $1 AND o.settled_at IS NULL AND o.closed_at IS NULL
    AND o.paid_minor = o.total_minor AND o.total_minor > 0
)
SELECT 'order ' || order_id, says,
  'look at its timeline; give what is missing as a grant, or take back what is too much'
FROM judged ORDER BY order_id LIMIT 200
