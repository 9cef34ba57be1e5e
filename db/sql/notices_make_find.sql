-- Communities of which something was not read yet, each with one of its rows. Goes from community
-- to community by the key.
-- in: most int!
-- out: community_id bigint!, id uuid!
-- global
-- read
WITH RECURSIVE told (community_id) AS (
  (SELECT community_id FROM outbox ORDER BY community_id LIMIT 1)
  UNION ALL
  SELECT (SELECT o.community_id FROM outbox o WHERE o.community_id > t.community_id
          ORDER BY o.community_id LIMIT 1)
  FROM told t WHERE t.community_id IS NOT NULL
)
SELECT t.community_id, o.id
FROM told t
LEFT JOIN outbox_cursor c ON c.community_id = t.community_id AND c.consumer = 'notices'
CROSS JOIN LATERAL (
  SELECT n.id FROM outbox n
  WHERE n.community_id = t.community_id
    AND (n.xid, n.id)
      > (coalesce(c.xid, '0'), coalesce(c.id, '00000000-0000-0000-0000-000000000000'))
    AND n.xid < pg_snapshot_xmin(pg_current_snapshot())
  ORDER BY n.xid, n.id LIMIT 1) AS o
LIMIT $1
