-- Batches of codes with their terms and how far their minting is, the newest first by their ids.
-- in: campaign_id uuid, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, count int!, effect text!, product_id uuid!, plan_id uuid!, campaign_id uuid,
--   days int, percent int, discount_minor bigint, forever bool!, minimum_minor bigint,
--   max_uses int!, valid_from timestamptz, valid_until timestamptz,
--   created_by uuid, created_at timestamptz!, job_id uuid, state text!,
--   done bigint!, failed bigint!,
--   _key timestamptz!
-- read
SELECT b.id, b.count, b.effect, b.product_id, b.plan_id, b.campaign_id, (j.args ->> 'days')::int,
  (j.args ->> 'percent')::int, (j.args ->> 'discount_minor')::bigint,
  coalesce((j.args ->> 'forever')::bool, false), (j.args ->> 'minimum_minor')::bigint,
  coalesce((j.args ->> 'max_uses')::int, 1), (j.args ->> 'valid_from')::timestamptz,
  (j.args ->> 'valid_until')::timestamptz, b.created_by, b.created_at, b.job_id,
  coalesce(j.state, 'done'), coalesce(j.done, b.count), coalesce(j.failed, 0),
  b.created_at
FROM code_batch b LEFT JOIN job j ON j.community_id = b.community_id AND j.id = b.job_id
WHERE b.community_id = $1 AND ($2::uuid IS NULL OR b.campaign_id = $2)
  AND ($3::timestamptz IS NULL OR b.id < $4)
ORDER BY b.id DESC
LIMIT $5
