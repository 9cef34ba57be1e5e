-- Opens a way to pay an order, or finds the one that is open.
-- in: order_id uuid!, id uuid!, member_id uuid, provider text!, method text!, actor uuid!,
--   role text!, audit_id uuid!, request_id text
-- out: _refusal text, _id uuid, _created bool, _pay_url text, _amount bigint, _currency text,
--   _expires_at timestamptz, _slug text, _shown json, _sealed bytea, _subject text
WITH way AS MATERIALIZED (
  SELECT c.slug, c.locale, g.shown, g.sealed
  FROM community c JOIN gateway_setting g ON g.community_id = $1 AND g.provider = $5 AND g.enabled
  WHERE c.id = $1 AND (g.provider <> 'test' OR c.demo)
), opened AS MATERIALIZED (
  SELECT a.* FROM way CROSS JOIN LATERAL attempt_open($1, $2, $3, $4, $5, $6) a
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $9, $7, $8, 'attempt.create', 'order', $2,
    jsonb_build_object('attempt_id', o.id, 'provider', $5, 'method', $6,
                       'amount_minor', o.amount, 'currency', o.money), $10
  FROM opened o WHERE o.created AND o.refusal IS NULL
)
SELECT CASE WHEN a.refusal IS NOT NULL THEN a.refusal WHEN way.slug IS NULL THEN CASE
      WHEN EXISTS (SELECT FROM orders x WHERE x.community_id = $1 AND x.id = $2
                   AND ($4::uuid IS NULL OR x.member_id = $4)) THEN 'way_closed'
      ELSE 'not_found' END END,
  a.id, a.created, a.url, a.amount, a.money, a.until, way.slug, way.shown::json, way.sealed, (
    SELECT coalesce(p.name ->> way.locale, p.name ->> 'en', p.name ->> 'zh-CN')
    FROM order_line l JOIN product p ON p.community_id = $1 AND p.id = l.product_id
    WHERE l.community_id = $1 AND l.order_id = $2 LIMIT 1)
FROM (SELECT) AS always LEFT JOIN way ON true LEFT JOIN opened a ON true
