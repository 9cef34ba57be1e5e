-- Communities with an enabled endpoint of which something was not read yet, each with one row of
-- the outbox. Goes from community to community by the index of the enabled: others cost nothing.
-- in: most int!
-- out: community_id bigint!, id uuid!
-- global
-- read
WITH RECURSIVE told (community_id) AS (
  (SELECT community_id FROM webhook_endpoint WHERE state = 'enabled'
   ORDER BY community_id LIMIT 1)
  UNION ALL
  SELECT (SELECT e.community_id FROM webhook_endpoint e
          WHERE e.state = 'enabled' AND e.community_id > t.community_id
          ORDER BY e.community_id LIMIT 1)
  FROM told t WHERE t.community_id IS NOT NULL
)
SELECT t.community_id, o.id
FROM told t
JOIN outbox_cursor c ON c.community_id = t.community_id AND c.consumer = 'webhooks'
CROSS JOIN LATERAL (
  SELECT n.id FROM outbox n
  WHERE n.community_id = t.community_id AND (n.xid, n.id) > (c.xid, c.id)
    AND n.xid < pg_snapshot_xmin(pg_current_snapshot())
  ORDER BY n.xid, n.id LIMIT 1) AS o
LIMIT $1
