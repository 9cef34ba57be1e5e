-- Monthly recurring revenue at the end of each month (of the present one: now), a row for each
-- currency: of each live span that an order of a renewing plan bought, what 30.4375 days of it
-- cost.
-- in: from_month text!, until_month text!
-- out: month text!, at timestamptz!, currency text!, memberships bigint!, mrr_minor bigint!
-- read
WITH home AS (
  SELECT c.zone, c.currency FROM community c WHERE c.id = $1
), month AS (
  SELECT m.*, home.currency AS home FROM home
  CROSS JOIN LATERAL report_months(home.zone, $2, $3) AS m
), bought AS MATERIALIZED (
  SELECT * FROM renewing_time($1)
)
SELECT m.month, m.until, coalesce(b.currency, m.home), count(b.member_id),
  coalesce(round(sum(b.monthly_minor)), 0)::bigint
FROM month m
LEFT JOIN bought b ON b.span @> m.until AND (b.voided_at IS NULL OR b.voided_at > m.until)
GROUP BY m.month, m.until, coalesce(b.currency, m.home)
ORDER BY m.month, coalesce(b.currency, m.home)
LIMIT 2000
