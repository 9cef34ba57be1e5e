-- Who was there at a month's start by an order of a renewing plan, and is not at its end: neither
-- in force nor in grace nor paused. Involuntary: a renewal waited and was not paid. Rates are in
-- hundredths of a percent, and left out where there were fewer than 20 to lose.
-- in: from_month text!, until_month text!
-- out: month text!, at_start bigint!, lost_voluntary bigint!, lost_involuntary bigint!,
--   voluntary_basis_points bigint, involuntary_basis_points bigint, sample text!
-- read
WITH home AS (
  SELECT c.zone FROM community c WHERE c.id = $1
), month AS (
  SELECT m.* FROM home CROSS JOIN LATERAL report_months(home.zone, $2, $3) AS m
), bought AS MATERIALIZED (
  SELECT * FROM renewing_time($1)
), there AS (
  SELECT DISTINCT m.month, m.since, m.until, b.member_id, b.product_id
  FROM month m
  JOIN bought b ON b.span @> m.since AND (b.voided_at IS NULL OR b.voided_at > m.since)
), lost AS (
  SELECT t.*, NOT EXISTS (
      SELECT FROM entitlement e
      WHERE e.community_id = $1 AND e.member_id = t.member_id AND e.product_id = t.product_id
        AND upper(e.span) + make_interval(hours => 24 * e.grace_days) > t.until
        AND (e.voided_at IS NULL OR e.voided_at > t.until) AND e.created_at <= t.until) AS gone,
    EXISTS (
      SELECT FROM membership s
      JOIN orders o ON o.community_id = $1 AND o.membership_id = s.id AND o.kind = 'renewal'
      WHERE s.community_id = $1 AND s.member_id = t.member_id AND s.product_id = t.product_id
        AND o.due_at >= t.since - interval '90 days' AND o.due_at < t.until
        AND o.settled_at IS NULL AND o.closed_reason IS DISTINCT FROM 'cancelled') AS unpaid
  FROM there t
), counted AS (
  SELECT m.month, count(l.member_id) AS total,
    count(*) FILTER (WHERE l.gone AND NOT l.unpaid) AS voluntary,
    count(*) FILTER (WHERE l.gone AND l.unpaid) AS involuntary
  FROM month m LEFT JOIN lost l ON l.month = m.month
  GROUP BY m.month
)
SELECT month, total, voluntary, involuntary,
  CASE WHEN total >= 20 THEN round(voluntary * 10000.0 / total)::bigint END,
  CASE WHEN total >= 20 THEN round(involuntary * 10000.0 / total)::bigint END,
  CASE WHEN total >= 20 THEN 'enough' ELSE 'too small to say' END
FROM counted ORDER BY month
