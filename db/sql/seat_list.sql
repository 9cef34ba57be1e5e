-- The seats that a member owns, those of the latest order first, each order's by number.
-- in: owner_id uuid!, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, order_id uuid!, number int!, owner_id uuid!, product_id uuid!,
--   product_name json!, plan_id uuid!, plan_name json!, status text!, member_id uuid,
--   member_name text, assigned_at timestamptz, starts_at timestamptz!, ends_at timestamptz!,
--   _key timestamptz!
-- read
SELECT id, order_id, number, owner_id, product_id, product_name::json, plan_id, plan_name::json,
  status, member_id, member_name, assigned_at, starts_at, ends_at, place
FROM seat_shown
WHERE community_id = $1 AND owner_id = $2 AND ($3::timestamptz IS NULL OR (place, id) < ($3, $4))
ORDER BY place DESC, id DESC
LIMIT $5
