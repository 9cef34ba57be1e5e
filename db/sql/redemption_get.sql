-- One redemption of a member.
-- in: member_id uuid!, id uuid!
-- out: id uuid!, code_hint text!, product_id uuid!, product_name json!, plan_id uuid!,
--   plan_name json!, starts_at timestamptz, ends_at timestamptz, redeemed_at timestamptz!,
--   released_at timestamptz, status text
-- read
SELECT r.id, c.hint, c.product_id, p.name::json, c.plan_id, n.name::json, e.starts_at, e.ends_at,
  r.redeemed_at, r.released_at, e.status
FROM redemption r
JOIN invite_code c ON c.community_id = $1 AND c.id = r.code_id
JOIN product p ON p.community_id = $1 AND p.id = c.product_id
JOIN plan n ON n.community_id = $1 AND n.id = c.plan_id
LEFT JOIN entitlement_shown e ON e.community_id = $1 AND e.member_id = $2 AND e.id = r.id
WHERE r.community_id = $1 AND r.member_id = $2 AND r.id = $3
