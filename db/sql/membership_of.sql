-- How a member's memberships stand now, product by product, and the best of them on top.
-- in: member_id uuid!
-- out: active bool!, status text!, until timestamptz, memberships json!
-- read
WITH mine AS (
  SELECT p.id, p.name FROM product p
  WHERE p.community_id = $1 AND p.kind = 'membership' AND (EXISTS (
      SELECT FROM entitlement e
      WHERE e.community_id = $1 AND e.member_id = $2 AND e.product_id = p.id
        AND e.voided_at IS NULL)
    OR EXISTS (
      SELECT FROM membership m
      WHERE m.community_id = $1 AND m.member_id = $2 AND m.product_id = p.id
        AND m.ended_at IS NULL))
), told AS (
  SELECT s.status, s.until,
    array_position(ARRAY['active', 'cancelled_at_period_end', 'trialing', 'grace', 'paused',
                         'past_due', 'upcoming', 'expired', 'none'], s.status) AS rank,
    json_build_object(
      'product_id', m.id, 'product_name', m.name, 'status', s.status, 'until', iso(s.until),
      'plan_id', s.plan_id, 'plan_name', (
        SELECT n.name FROM plan n WHERE n.community_id = $1 AND n.id = s.plan_id),
      'spans', (
        SELECT coalesce(json_agg(json_build_object(
            'id', e.id, 'plan_id', e.plan_id, 'source', e.source,
            'starts_at', iso(lower(e.span)), 'ends_at', iso(upper(e.span))
          ) ORDER BY lower(e.span)), '[]')
        FROM (  -- the last ones: who renews each week for years still gets a short answer
          SELECT * FROM entitlement l
          WHERE l.community_id = $1 AND l.member_id = $2 AND l.product_id = m.id
            AND l.voided_at IS NULL
          ORDER BY upper(l.span) DESC LIMIT 50) AS e)) AS shown
  FROM mine m CROSS JOIN LATERAL membership_status($1, $2, m.id, now()) AS s
)
SELECT coalesce(bool_or(rank <= 4), false),
  coalesce((array_agg(status ORDER BY rank))[1], 'none'), (array_agg(until ORDER BY rank))[1],
  coalesce(json_agg(shown ORDER BY rank), '[]')
FROM told
