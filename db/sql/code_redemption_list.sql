-- Who redeemed a code, the newest first. Those who gave it back are not among them: their own list
-- and the audit log show that.
-- in: code_id uuid!, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, member_id uuid!, display_name text!, redeemed_at timestamptz!,
--   starts_at timestamptz, ends_at timestamptz, order_id uuid, _key timestamptz!
-- read
SELECT r.id, r.member_id, m.display_name, r.redeemed_at, lower(e.span), upper(e.span), r.order_id,
  r.redeemed_at
FROM redemption r
JOIN member m ON m.community_id = $1 AND m.id = r.member_id
LEFT JOIN entitlement e ON e.community_id = $1 AND e.member_id = r.member_id AND e.id = r.id
WHERE r.community_id = $1 AND r.code_id = $2 AND r.released_at IS NULL
  AND ($3::timestamptz IS NULL OR (r.redeemed_at, r.id) < ($3, $4))
ORDER BY r.redeemed_at DESC, r.id DESC
LIMIT $5
