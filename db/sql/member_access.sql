-- May this member in, at a moment, and which row says so? Granted: the span in force, or in grace.
-- Refused: the span that a pause has put off, the one that would have been in force had it not been
-- voided (or disputed), else the last that ended, else the first that is to come, else nothing. Of
-- a span that was moved, `carried_from` is what it was part of in the first place.
-- in: member_id uuid!, at timestamptz
-- out: member_id uuid!, at timestamptz!, allowed bool!, because text!, until timestamptz,
--   entitlement json, state text!
-- read
WITH moment AS MATERIALIZED (
  SELECT coalesce($3, now()) AS at
), grants AS (
  SELECT g.entitlement_id AS id, CASE WHEN g.in_grace THEN 'grace' ELSE 'entitled' END AS because,
    CASE WHEN g.in_grace THEN 2 ELSE 1 END AS rank, g.until
  FROM moment, entitled($1, $2, moment.at) AS g
), refuses AS (
  SELECT e.id, CASE WHEN e.void_reason = 'disputed' THEN 'disputed'
                    WHEN e.voided_at IS NOT NULL THEN 'voided' WHEN rests THEN 'paused'
                    WHEN lower(e.span) > at THEN 'upcoming' ELSE 'expired' END AS because,
    CASE WHEN e.voided_at IS NOT NULL THEN 4 WHEN rests THEN 3 WHEN lower(e.span) > at THEN 6
         ELSE 5 END AS rank,
    CASE WHEN lower(e.span) > at AND e.voided_at IS NULL THEN lower(e.span) END AS until
  FROM moment, entitlement e
  JOIN product p ON p.community_id = $1 AND p.id = e.product_id AND p.kind = 'membership'
  CROSS JOIN LATERAL (SELECT EXISTS (
    SELECT FROM carry k
    JOIN entitlement f ON f.community_id = $1 AND f.member_id = $2 AND f.id = k.from_id
    WHERE k.community_id = $1 AND k.member_id = $2 AND k.entitlement_id = e.id
      AND k.from_member_id = $2 AND upper(f.span) <= at AND lower(e.span) > at) AS rests) AS r
  WHERE e.community_id = $1 AND e.member_id = $2
    AND (e.voided_at IS NULL AND NOT e.span @> at OR e.voided_at IS NOT NULL AND e.span @> at)
), named AS (
  SELECT t.id, t.because, t.rank, t.until FROM (
    SELECT * FROM grants UNION ALL SELECT * FROM refuses) AS t
  JOIN entitlement e ON e.community_id = $1 AND e.member_id = $2 AND e.id = t.id
  ORDER BY t.rank, CASE WHEN t.rank IN (3, 6) THEN lower(e.span) END, upper(e.span) DESC
  LIMIT 1
)
SELECT m.id, moment.at, coalesce(n.rank <= 2, false), coalesce(n.because, 'nothing'), n.until, (
    SELECT json_build_object(
      'id', e.id, 'product_id', e.product_id, 'product_name', e.product_name,
      'plan_id', e.plan_id, 'plan_name', e.plan_name, 'source', e.source,
      'starts_at', iso(e.starts_at), 'ends_at', iso(e.ends_at), 'grace_days', e.grace_days,
      'code_hint', e.code_hint, 'reason', e.reason, 'voided_at', iso(e.voided_at),
      'void_reason', e.void_reason, 'carried_from', (
        WITH RECURSIVE back AS (
          SELECT k.from_id FROM carry k
          WHERE k.community_id = $1 AND k.member_id = $2 AND k.entitlement_id = e.id
          UNION ALL
          SELECT k.from_id FROM back b JOIN carry k ON k.community_id = $1 AND k.member_id = $2
            AND k.entitlement_id = b.from_id)
        SELECT b.from_id FROM back b ORDER BY b.from_id LIMIT 1))
    FROM entitlement_shown e
    WHERE e.community_id = $1 AND e.member_id = $2 AND e.id = n.id), m.state
FROM member m CROSS JOIN moment LEFT JOIN named n ON true
WHERE m.community_id = $1 AND m.id = $2
