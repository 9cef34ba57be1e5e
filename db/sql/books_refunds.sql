-- Payments of which more went back than came in, and surplus ones that are not on their way back.
-- out: row text!, says text!, todo text!
-- read
SELECT 'payment ' || p.id, CASE
    WHEN back.amount > p.amount_minor
      THEN back.amount || ' of it went back, and it was ' || p.amount_minor
    ELSE 'it is surplus (' || p.amount_minor || '), and only '
      || back.amount + asked.amount || ' went back or is to' END,
  CASE WHEN back.amount > p.amount_minor
    THEN 'ask the provider what was refunded, and strike out what was not'
    ELSE 'refund the rest, through the provider or by hand' END
FROM payment p
CROSS JOIN LATERAL (
  SELECT coalesce(sum(r.amount_minor), 0) AS amount FROM refund r
  WHERE r.community_id = $1 AND r.payment_id = p.id) AS back
CROSS JOIN LATERAL (
  SELECT coalesce(sum(r.amount_minor), 0) AS amount FROM refund_request r
  WHERE r.community_id = $1 AND r.payment_id = p.id AND r.state IN ('asked', 'processing')
) AS asked
WHERE p.community_id = $1
  AND (back.amount > p.amount_minor
       OR p.surplus AND back.amount + asked.amount < p.amount_minor)
ORDER BY p.id LIMIT 200
