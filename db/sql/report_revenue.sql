-- What was sold, went back and was kept by providers, by plan, campaign or month, a row for each
-- currency. Sales stand in the month in which an order was settled, refunds and fees in theirs; all
-- of it as in the ledger. Months go by the community's clocks.
-- in: by text!, from_month text!, until_month text!
-- out: key text!, label text!, currency text!, orders bigint!, gross_minor bigint!,
--   discounts_minor bigint!, credits_minor bigint!, sales_minor bigint!, refunds_minor bigint!,
--   fees_minor bigint!, net_minor bigint!
-- read
WITH zone AS (
  SELECT c.zone FROM community c WHERE c.id = $1
), month AS (
  SELECT m.* FROM zone CROSS JOIN LATERAL report_months(zone.zone, $3, $4) AS m
), entry AS (
  SELECT o.id AS order_id, m.month, o.currency, 1 AS orders, l.gross, l.discounts, l.credits,
    o.total_minor AS sales, 0 AS refunds, 0 AS fees
  FROM month m
  JOIN orders o ON o.community_id = $1 AND o.settled_at >= m.since AND o.settled_at < m.until
  CROSS JOIN LATERAL (
    SELECT sum(l.unit_minor * l.quantity) AS gross, sum(l.discount_minor) AS discounts,
      sum(l.credit_minor) AS credits
    FROM order_line l WHERE l.community_id = $1 AND l.order_id = o.id) AS l
  UNION ALL
  SELECT g.order_id, m.month, g.currency, 0, 0, 0, 0, 0,
    CASE WHEN g.debit = 'sales' THEN g.amount_minor ELSE 0 END,
    CASE WHEN g.debit = 'fees' THEN g.amount_minor ELSE 0 END
  FROM month m
  JOIN ledger g ON g.community_id = $1 AND g.at >= m.since AND g.at < m.until
    AND g.debit IN ('sales', 'fees')
), keyed AS (
  SELECT e.*, CASE $2 WHEN 'month' THEN e.month WHEN 'plan' THEN n.id::text
      ELSE coalesce(k.id::text, 'none') END AS key,
    CASE $2 WHEN 'month' THEN e.month WHEN 'plan' THEN n.slug || ' v' || n.version
      ELSE coalesce(k.name, 'none') END AS label
  FROM entry e
  JOIN orders o ON o.community_id = $1 AND o.id = e.order_id
  CROSS JOIN LATERAL (
    SELECT l.plan_id FROM order_line l WHERE l.community_id = $1 AND l.order_id = o.id
    ORDER BY l.id LIMIT 1) AS l
  JOIN plan n ON n.community_id = $1 AND n.id = l.plan_id
  LEFT JOIN invite_code c ON c.community_id = $1 AND c.id = o.code_id
  LEFT JOIN campaign k ON k.community_id = $1 AND k.id = c.campaign_id
)
SELECT key, label, currency, sum(orders), sum(gross)::bigint, sum(discounts)::bigint,
  sum(credits)::bigint, sum(sales)::bigint, sum(refunds)::bigint, sum(fees)::bigint,
  sum(sales - refunds - fees)::bigint
FROM keyed GROUP BY key, label, currency
ORDER BY label, key, currency
LIMIT 2000
