-- The provider has stopped a subscription, or will not.
-- in: id uuid!, refused bool!
-- out: _id uuid!
-- again: safe
UPDATE renewal_stop s SET done_at = now(), refused = $3
WHERE s.community_id = $1 AND s.id = $2 AND s.done_at IS NULL RETURNING s.id
