-- The codes of a community by their ids, the newest first. Of a campaign: those made one by one;
-- a batch's are found by the batch. A code that was typed is looked up by its digest.
-- in: digest bytea, status text, campaign_id uuid, batch_id uuid, after_key timestamptz,
--   after_id uuid, page int!
-- out: id uuid!, hint text!, machine_made bool!, status text!, effect text!, product_id uuid!,
--   plan_id uuid!, days int, percent int, discount_minor bigint, forever bool!,
--   minimum_minor bigint, max_uses int!, used int!, held int!,
--   valid_from timestamptz, valid_until timestamptz, reserved_for text,
--   campaign_id uuid, batch_id uuid, created_by uuid, created_at timestamptz!,
--   revoked_at timestamptz,
--   _key timestamptz!
-- read
SELECT id, hint, machine_made, status, effect, product_id, plan_id, days, percent, discount_minor,
  forever, minimum_minor, max_uses, used, held, valid_from, valid_until, reserved_for,
  campaign_id, batch_id, created_by, created_at, revoked_at, created_at
FROM code_shown
WHERE community_id = $1
  AND ($2::bytea IS NULL OR digest = $2)
  AND ($3::text IS NULL OR status = $3)
  AND ($4::uuid IS NULL OR (campaign_id = $4 AND batch_id IS NULL))
  AND ($5::uuid IS NULL OR batch_id = $5)
  AND ($6::timestamptz IS NULL OR id < $7)
ORDER BY id DESC
LIMIT $8
