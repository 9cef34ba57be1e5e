-- What is on sale, as anybody may see it: the present version of each plan.
-- out: id uuid!, product_id uuid!, product_slug text!, product_kind text!, product_name json!,
--   slug text!, version int!, name json!, benefits json, price_minor bigint!, currency text!,
--   period_unit text, period_count int, trial_days int!, grace_days int!, seats int, renews bool!,
--   tier int!, buyers text!, open_amount bool!, sale_until timestamptz, prices json!
-- read
SELECT n.id, n.product_id, n.product_slug, n.product_kind, n.product_name::json, n.slug, n.version,
  n.name::json, n.benefits::json, n.price_minor, n.currency, n.period_unit, n.period_count,
  n.trial_days, n.grace_days, n.seats, n.renews, n.tier, n.buyers, n.open_amount, n.sale_until,
  n.prices::json
FROM plan_shown n
WHERE n.community_id = $1 AND n.on_sale AND n.visibility = 'public'
ORDER BY n.position, n.product_slug, n.price_minor, n.slug
LIMIT 200
