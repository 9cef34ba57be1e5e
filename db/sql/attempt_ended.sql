-- Nobody will pay this any more: failed or closed at its provider.
-- in: id uuid!, state text!
-- out: _id uuid!
-- again: safe
UPDATE payment_attempt a SET taken_until = NULL, ended_at = now(), state = $3
WHERE a.community_id = $1 AND a.id = $2 AND a.state = 'open' RETURNING a.id
