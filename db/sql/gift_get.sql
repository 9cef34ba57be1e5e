-- A gift, as who claimed it sees it.
-- in: id uuid!, member_id uuid!
-- out: id uuid!, product_id uuid!, product_name json!, plan_id uuid!, plan_name json!,
--   giver_name text!, message text, claimed_at timestamptz!, starts_at timestamptz!,
--   ends_at timestamptz!
-- read
SELECT g.id, l.product_id, p.name::json, l.plan_id, n.name::json, m.display_name, g.message,
  g.claimed_at, lower(e.span), upper(e.span)
FROM gift g
JOIN order_line l ON l.community_id = $1 AND l.id = g.order_line_id
JOIN product p ON p.community_id = $1 AND p.id = l.product_id
JOIN plan n ON n.community_id = $1 AND n.id = l.plan_id
JOIN member m ON m.community_id = $1 AND m.id = g.giver_id
JOIN entitlement e ON e.community_id = $1 AND e.member_id = g.claimed_by
  AND e.id = g.entitlement_id
WHERE g.community_id = $1 AND g.id = $2 AND g.claimed_by = $3
