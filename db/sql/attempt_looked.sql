-- The provider knew nothing new: asked again later and later, and once before the order expires;
-- soon, when it was to be closed there.
-- in: id uuid!
-- out: _id uuid!
-- again: safe
UPDATE payment_attempt a SET
  taken_until = now() + least(a.looks, 12) * interval '5 seconds',
  next_look_at = CASE
    WHEN a.unwanted OR o.closed_at IS NOT NULL OR o.settled_at IS NOT NULL
      THEN now() + least(a.looks, 12) * interval '5 seconds'
    ELSE least(now() + interval '3 minutes' * power(2, least(a.looks, 7)), CASE
      WHEN a.expires_at > now() + interval '90 seconds' THEN a.expires_at - interval '1 minute' END)
  END
FROM orders o
WHERE a.community_id = $1 AND a.id = $2 AND o.community_id = $1 AND o.id = a.order_id
RETURNING a.id
