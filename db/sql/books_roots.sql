-- Live spans that lead back to nothing that was paid, given or redeemed; and live redemptions of
-- days that gave none.
-- out: row text!, says text!, todo text!
-- read
WITH live AS (
  SELECT e.* FROM entitlement e
  WHERE e.community_id = $1 AND (e.voided_at IS NULL OR e.source = 'carried')
), judged AS (
  SELECT 'span ' || e.id AS named, CASE e.source
    WHEN 'order' THEN CASE WHEN o.settled_at IS NULL
      THEN 'it comes of order ' || o.id || ', which is not settled' END
    WHEN 'gift' THEN CASE WHEN e.order_line_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM gift g WHERE g.community_id = $1 AND g.order_line_id = e.order_line_id
          AND g.unit = e.unit AND g.claimed_by = e.member_id AND g.entitlement_id = e.id)
      THEN 'no gift says that it was claimed as this' END
    WHEN 'code' THEN CASE WHEN r.id IS NULL OR r.released_at IS NOT NULL
      THEN 'its redemption is not live' END
    WHEN 'carried' THEN CASE WHEN k.from_id IS NULL
      THEN 'it carries on something, and nothing says what' END END AS says
  FROM live e
  LEFT JOIN order_line l ON l.community_id = $1 AND l.id = e.order_line_id
  LEFT JOIN orders o ON o.community_id = $1 AND o.id = l.order_id
  LEFT JOIN redemption r ON r.community_id = $1 AND r.member_id = e.member_id
    AND r.id = e.redemption_id
  LEFT JOIN carry k ON k.community_id = $1 AND k.member_id = e.member_id
    AND k.entitlement_id = e.id
  UNION ALL
  SELECT 'redemption ' || r.id, 'it is live, and gave neither time nor a discount'
  FROM redemption r
  WHERE r.community_id = $1 AND r.released_at IS NULL AND r.order_id IS NULL
    AND NOT EXISTS (SELECT FROM live e WHERE e.member_id = r.member_id AND e.redemption_id = r.id)
)
SELECT named, says, 'void it when nobody paid for it or gave it; else find what it came of'
FROM judged WHERE says IS NOT NULL ORDER BY named LIMIT 200
