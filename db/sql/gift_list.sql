-- The gifts that a member bought, the newest first.
-- in: member_id uuid!, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, order_id uuid!, product_id uuid!, product_name json!, plan_id uuid!,
--   plan_name json!, message text, status text!, created_at timestamptz!,
--   claim_until timestamptz!, claimed_at timestamptz, _key timestamptz!
-- read
SELECT g.id, l.order_id, l.product_id, p.name::json, l.plan_id, n.name::json, g.message,
  CASE WHEN g.withdrawn_at IS NOT NULL THEN 'withdrawn'
       WHEN g.claimed_at IS NOT NULL THEN 'claimed'
       WHEN g.claim_until <= now() THEN 'expired'
       ELSE 'open' END,
  g.created_at, g.claim_until, g.claimed_at, g.created_at
FROM gift g
JOIN order_line l ON l.community_id = $1 AND l.id = g.order_line_id
JOIN product p ON p.community_id = $1 AND p.id = l.product_id
JOIN plan n ON n.community_id = $1 AND n.id = l.plan_id
WHERE g.community_id = $1 AND g.giver_id = $2
  AND ($3::timestamptz IS NULL OR (g.created_at, g.id) < ($3, $4))
ORDER BY g.created_at DESC, g.id DESC
LIMIT $5
