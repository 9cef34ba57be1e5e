-- The provider has it now: its name there, and where the payer goes.
-- in: id uuid!, ref text!, pay_url text
-- out: _id uuid!
-- again: safe
UPDATE payment_attempt a SET provider_ref = coalesce(a.provider_ref, $3),
  pay_url = coalesce(a.pay_url, $4)
WHERE a.community_id = $1 AND a.id = $2 RETURNING a.id
