-- Orders whose rows of the ledger don't come to what payments, refunds and totals say.
-- out: row text!, says text!, todo text!
-- read
WITH moved AS (
  SELECT g.order_id, m.account, sum(m.amount) AS amount
  FROM ledger g
  CROSS JOIN LATERAL (VALUES (g.debit, g.amount_minor), (g.credit, -g.amount_minor))
    AS m (account, amount)
  WHERE g.community_id = $1 GROUP BY g.order_id, m.account
), paid AS (
  SELECT p.order_id, sum(p.fee_minor) AS fees,
    sum(p.amount_minor) FILTER (WHERE NOT p.surplus) AS counted,
    sum(p.amount_minor) FILTER (WHERE p.surplus) AS surplus
  FROM payment p WHERE p.community_id = $1 GROUP BY p.order_id
), refunded AS (
  SELECT p.order_id, sum(r.amount_minor) FILTER (WHERE NOT p.surplus) AS counted,
    sum(r.amount_minor) FILTER (WHERE p.surplus) AS surplus
  FROM refund r JOIN payment p ON p.community_id = $1 AND p.id = r.payment_id
  WHERE r.community_id = $1 GROUP BY p.order_id
), wanted AS (
  SELECT o.id, k.account, k.amount FROM orders o
  LEFT JOIN paid p ON p.order_id = o.id
  LEFT JOIN refunded r ON r.order_id = o.id
  CROSS JOIN LATERAL (SELECT
    coalesce(p.counted, 0) AS came, coalesce(p.surplus, 0) AS extra, coalesce(p.fees, 0) AS kept,
    coalesce(r.counted, 0) AS went, coalesce(r.surplus, 0) AS returned,
    CASE WHEN o.settled_at IS NULL THEN 0 ELSE o.total_minor END AS sold,
    CASE WHEN o.settled_at IS NULL THEN coalesce(r.counted, 0) ELSE 0 END AS undone) AS s
  CROSS JOIN LATERAL (VALUES
    ('owed', sold - came + undone), ('money', came + extra - kept - went - returned),
    ('fees', kept),
    ('sales', went - undone - sold), ('returnable', returned - extra)) AS k (account, amount)
  WHERE o.community_id = $1
)
SELECT 'order ' || w.id, 'in the ledger ' || w.account || ' comes to ' || coalesce(m.amount, 0)
    || ', and by payments, refunds and total it is ' || w.amount,
  'find the missing or surplus row in its ledger; write one that makes it right, and say why'
FROM wanted w LEFT JOIN moved m ON m.order_id = w.id AND m.account = w.account
WHERE w.amount <> coalesce(m.amount, 0)
ORDER BY w.id, w.account LIMIT 200
