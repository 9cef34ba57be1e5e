-- A seat of a group: its owner's, or (without an owner) anybody's.
-- in: owner_id uuid, id uuid!
-- out: id uuid!, order_id uuid!, number int!, owner_id uuid!, product_id uuid!,
--   product_name json!, plan_id uuid!, plan_name json!, status text!, member_id uuid,
--   member_name text, assigned_at timestamptz, starts_at timestamptz!, ends_at timestamptz!
-- read
SELECT id, order_id, number, owner_id, product_id, product_name::json, plan_id, plan_name::json,
  status, member_id, member_name, assigned_at, starts_at, ends_at
FROM seat_shown WHERE community_id = $1 AND ($2::uuid IS NULL OR owner_id = $2) AND id = $3
