-- What each code of a batch is worth. Plan and campaign were checked when it was ordered.
-- in: id uuid!
-- out: effect text!, product_id uuid!, plan_id uuid!, campaign_id uuid, created_by uuid, days int,
--   percent int, discount_minor bigint, max_uses int!, valid_from timestamptz,
--   valid_until timestamptz, forever bool!, minimum_minor bigint
-- read
SELECT b.effect, b.product_id, b.plan_id, b.campaign_id, b.created_by,
  (j.args ->> 'days')::int, (j.args ->> 'percent')::int, (j.args ->> 'discount_minor')::bigint,
  coalesce((j.args ->> 'max_uses')::int, 1), (j.args ->> 'valid_from')::timestamptz,
  (j.args ->> 'valid_until')::timestamptz, coalesce((j.args ->> 'forever')::bool, false),
  (j.args ->> 'minimum_minor')::bigint
FROM code_batch b JOIN job j ON j.community_id = b.community_id AND j.id = b.job_id
WHERE b.community_id = $1 AND b.id = $2
