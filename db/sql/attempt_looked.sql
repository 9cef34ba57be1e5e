-- The provider knew nothing new: asked again later and later, and once before the order expires.
-- in: id uuid!
-- out: _id uuid!
-- again: safe
UPDATE payment_attempt a SET
  taken_until = now() + least(a.looks, 12) * interval '5 seconds',
  next_look_at = least(now() + interval '3 minutes' * power(2, least(a.looks, 7)), CASE
    WHEN a.expires_at > now() + interval '90 seconds' THEN a.expires_at - interval '1 minute' END)
WHERE a.community_id = $1 AND a.id = $2 RETURNING a.id
