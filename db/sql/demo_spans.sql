-- Gives the demo's people their memberships: most run, some are on trial, some ran out. A running
-- one that would end within a month is given another year. `people` as in demo_members.
-- in: people json!
-- out: _given bigint!
WITH known AS (
  SELECT m.id, p.standing, m.joined_at, d.id AS product_id
  FROM json_to_recordset($2) AS p (account_id uuid, standing text)
  JOIN member m ON m.community_id = $1 AND m.account_id = p.account_id
  JOIN product d ON d.community_id = $1 AND d.slug = 'membership'
), owner AS (
  SELECT id FROM member WHERE community_id = $1 AND role = 'owner' ORDER BY joined_at LIMIT 1
), wanted AS (
  SELECT k.*, l.ends, CASE k.standing WHEN 'trial' THEN 'monthly' WHEN 'lifetime' THEN 'lifetime'
                      ELSE 'yearly' END AS plan,
    coalesce(l.ends, CASE k.standing WHEN 'trial' THEN now() - interval '2 days'
                                     ELSE k.joined_at END) AS starts
  FROM known k
  CROSS JOIN LATERAL (
    SELECT max(upper(e.span)) AS ends FROM entitlement e
    WHERE e.community_id = $1 AND e.member_id = k.id AND e.product_id = k.product_id
      AND e.voided_at IS NULL) l
  WHERE k.standing <> 'none'
), made AS (
  INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
                           granted_by, reason)
  SELECT $1, w.id, uuid7(), w.product_id, p.id,
    tstzrange(w.starts, CASE w.standing
      WHEN 'lifetime' THEN '2299-01-01Z'
      WHEN 'trial' THEN now() + interval '5 days'
      WHEN 'expired' THEN now() - interval '20 days'
      ELSE now() + interval '365 days' END),
    CASE w.standing WHEN 'trial' THEN 'trial' ELSE 'comp' END,
    CASE w.standing WHEN 'trial' THEN NULL ELSE owner.id END,
    CASE w.standing WHEN 'trial' THEN NULL ELSE '演示数据 (demonstration)' END
  FROM wanted w, owner, plan p
  WHERE p.community_id = $1 AND p.slug = w.plan AND p.version = 1
    AND (w.ends IS NULL OR (w.standing = 'active' AND w.ends < now() + interval '30 days'))
    AND (w.standing <> 'trial' OR NOT EXISTS (  -- one trial for ever, voided or not
      SELECT FROM entitlement t WHERE t.community_id = $1 AND t.member_id = w.id
        AND t.product_id = w.product_id AND t.source = 'trial'))
  RETURNING 1
)
SELECT count(*) FROM made
