-- Orders whose amounts are not the sums of what counted for them.
-- out: row text!, says text!, todo text!
-- read
WITH came AS (
  SELECT p.order_id, sum(p.amount_minor) AS amount FROM payment p
  WHERE p.community_id = $1 AND NOT p.surplus GROUP BY p.order_id
), went AS (
  SELECT p.order_id, sum(r.amount_minor) AS amount FROM refund r
  JOIN payment p ON p.community_id = $1 AND p.id = r.payment_id
  WHERE r.community_id = $1 AND NOT p.surplus GROUP BY p.order_id
), agreed AS (
  SELECT l.order_id, sum(l.amount_minor) AS amount FROM order_line l
  WHERE l.community_id = $1 GROUP BY l.order_id
), judged AS (
  SELECT o.id, k.says FROM orders o
  LEFT JOIN came ON came.order_id = o.id
  LEFT JOIN went ON went.order_id = o.id
  LEFT JOIN agreed ON agreed.order_id = o.id
  CROSS JOIN LATERAL (VALUES
    (CASE WHEN o.paid_minor <> coalesce(came.amount, 0) THEN
      'paid says ' || o.paid_minor || ', its payments come to ' || coalesce(came.amount, 0) END),
    (CASE WHEN o.refunded_minor <> coalesce(went.amount, 0) THEN 'refunded says '
      || o.refunded_minor || ', its refunds come to ' || coalesce(went.amount, 0) END),
    (CASE WHEN coalesce(went.amount, 0) > coalesce(came.amount, 0) THEN 'more went back ('
      || went.amount || ') than came in (' || coalesce(came.amount, 0) || ')' END),
    (CASE WHEN o.total_minor <> coalesce(agreed.amount, 0) THEN
      'its total is ' || o.total_minor || ', its lines come to ' || coalesce(agreed.amount, 0) END)
  ) AS k (says)
  WHERE o.community_id = $1 AND k.says IS NOT NULL
)
SELECT 'order ' || id, says,
  'compare its payments and refunds with the provider''s own list, and correct the order'
FROM judged ORDER BY id LIMIT 200
