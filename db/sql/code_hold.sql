-- Locks a code for the rest of the transaction, and shows what it is.
-- in: id uuid!
-- out: id uuid!, hint text!, machine_made bool!, status text!, effect text!, product_id uuid!,
--   plan_id uuid!, days int, percent int, discount_minor bigint, forever bool!,
--   minimum_minor bigint, max_uses int!, used int!, held int!,
--   valid_from timestamptz, valid_until timestamptz, reserved_for text,
--   campaign_id uuid, batch_id uuid, created_by uuid, created_at timestamptz!,
--   revoked_at timestamptz,
--   _sealed bytea
WITH held AS MATERIALIZED (
  SELECT id FROM invite_code WHERE community_id = $1 AND id = $2 FOR NO KEY UPDATE
)
SELECT c.id, c.hint, c.machine_made, c.status, c.effect, c.product_id, c.plan_id, c.days,
  c.percent, c.discount_minor, c.forever, c.minimum_minor, c.max_uses, c.used, c.held,
  c.valid_from, c.valid_until, c.reserved_for,
  c.campaign_id, c.batch_id, c.created_by, c.created_at, c.revoked_at,
  c.sealed
FROM held JOIN code_shown c ON c.community_id = $1 AND c.id = held.id
