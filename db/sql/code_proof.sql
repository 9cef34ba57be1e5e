-- Counts again what a code's books say: uses are live redemptions, each with a live span unless it
-- went into an order; what is held are open holds.
-- in: id uuid!
-- out: id uuid!, max_uses int!, used int!, live_redemptions bigint!, entitlements bigint!,
--   in_orders bigint!, held int!, open_holds bigint!, balanced bool!
-- read
WITH counted AS (
  SELECT count(*) AS live, count(r.order_id) AS in_orders, count(e.id) AS spans
  FROM redemption r
  LEFT JOIN entitlement e ON e.community_id = $1 AND e.member_id = r.member_id AND e.id = r.id
    AND e.voided_at IS NULL
  WHERE r.community_id = $1 AND r.code_id = $2 AND r.released_at IS NULL
), held AS (
  SELECT count(*) AS open FROM code_hold h
  WHERE h.community_id = $1 AND h.code_id = $2 AND h.ended_at IS NULL
)
SELECT c.id, c.max_uses, c.used, live, spans, in_orders, c.held, open,
  c.used = live AND live = spans + in_orders AND c.held = open
FROM invite_code c, counted, held
WHERE c.community_id = $1 AND c.id = $2
