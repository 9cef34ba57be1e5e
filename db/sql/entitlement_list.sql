-- All that a member was ever given, voided spans too, the newest first.
-- in: member_id uuid!, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, member_id uuid!, product_id uuid!, product_name json!, plan_id uuid!,
--   plan_name json!, source text!, status text!, starts_at timestamptz!, ends_at timestamptz!,
--   grace_days int!, code_id uuid, code_hint text, order_id uuid, granted_by uuid, reason text,
--   created_at timestamptz!, voided_at timestamptz, voided_by uuid, void_reason text,
--   _key timestamptz!
-- read
SELECT id, member_id, product_id, product_name::json, plan_id, plan_name::json, source, status,
  starts_at, ends_at, grace_days, code_id, code_hint, order_id, granted_by, reason, created_at,
  voided_at, voided_by, void_reason, created_at
FROM entitlement_shown
WHERE community_id = $1 AND member_id = $2
  AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4))
ORDER BY created_at DESC, id DESC
LIMIT $5
