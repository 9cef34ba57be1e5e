-- Gaps in the numbers of receipts, orders without one, and receipts that say something else.
-- out: row text!, says text!, todo text!
-- read
WITH judged AS (
  SELECT 'year ' || y.year AS named, 'its last number is ' || y.last || ', and there are '
    || count(r.number) || ' receipts up to ' || coalesce(max(r.number), 0) AS says
  FROM receipt_year y
  LEFT JOIN receipt r ON r.community_id = $1 AND r.year = y.year
  WHERE y.community_id = $1
  GROUP BY y.year, y.last HAVING count(r.number) <> y.last OR max(r.number) <> y.last
  UNION ALL
  SELECT 'order ' || o.id, 'it is settled and has no receipt' FROM orders o
  WHERE o.community_id = $1 AND o.settled_at IS NOT NULL AND o.total_minor > 0
    AND NOT EXISTS (SELECT FROM receipt r WHERE r.community_id = $1 AND r.order_id = o.id)
  UNION ALL
  SELECT 'receipt ' || receipt_shown(r.year, r.number), CASE
    WHEN o.settled_at IS NULL THEN 'its order ' || o.id || ' is not settled'
    ELSE 'it says ' || r.total_minor || ', and order ' || o.id || ' says ' || o.total_minor END
  FROM receipt r JOIN orders o ON o.community_id = $1 AND o.id = r.order_id
  WHERE r.community_id = $1 AND (o.settled_at IS NULL OR o.total_minor <> r.total_minor)
)
SELECT named, says, 'numbers are never given again: find out what became of the missing row '
  || '(a backup tells), and write down why'
FROM judged ORDER BY named LIMIT 200
