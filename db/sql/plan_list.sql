-- All versions of all plans, or of one product's, the newest first.
-- in: product_id uuid, on_sale bool, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, product_id uuid!, product_slug text!, product_kind text!, product_name json!,
--   slug text!, version int!, name json!, benefits json, price_minor bigint!, currency text!,
--   period_unit text, period_count int, trial_days int!, grace_days int!, seats int, renews bool!,
--   tier int!, buyers text!, open_amount bool!, visibility text!, sale_from timestamptz,
--   sale_until timestamptz, prices json!, on_sale bool!, created_at timestamptz!,
--   retired_at timestamptz, _key timestamptz!
-- read
SELECT n.id, n.product_id, n.product_slug, n.product_kind, n.product_name::json, n.slug, n.version,
  n.name::json, n.benefits::json, n.price_minor, n.currency, n.period_unit, n.period_count,
  n.trial_days, n.grace_days, n.seats, n.renews, n.tier, n.buyers, n.open_amount, n.visibility,
  n.sale_from, n.sale_until, n.prices::json, n.on_sale, n.created_at, n.retired_at, n.created_at
FROM plan_shown n
WHERE n.community_id = $1 AND ($2::uuid IS NULL OR n.product_id = $2)
  AND ($3::bool IS NULL OR n.on_sale = $3)
  AND ($4::timestamptz IS NULL OR (n.created_at, n.id) < ($4, $5))
ORDER BY n.created_at DESC, n.id DESC
LIMIT $6
