-- Takes what is to be sent now, by moving its time ahead and committing that: if this process dies,
-- somebody takes it again then. Goes from endpoint to endpoint by the index of what waits, and of
-- each takes only so many as are not under way already: of one that failed lately a single one,
-- and none while it rests. So one that is slow holds up no other, nor do all of one community.
-- in: most int!, each int!, whole int!
-- out: _community bigint!, _endpoint uuid!, _id uuid!, _payload text!, _url text!, _secret bytea!,
--   _previous bytea, _attempt int!, _step int!, _plain bool!
-- global
WITH RECURSIVE lane (community_id, endpoint_id, next_at) AS (  -- and when its first is due
  (SELECT community_id, endpoint_id, next_at FROM webhook_delivery WHERE state = 'pending'
   ORDER BY community_id, endpoint_id, next_at LIMIT 1)
  UNION ALL
  SELECT n.community_id, n.endpoint_id, n.next_at FROM lane l CROSS JOIN LATERAL (
    SELECT d.community_id, d.endpoint_id, d.next_at FROM webhook_delivery d
    WHERE d.state = 'pending' AND (d.community_id, d.endpoint_id) > (l.community_id, l.endpoint_id)
    ORDER BY d.community_id, d.endpoint_id, d.next_at LIMIT 1) AS n
), due AS MATERIALIZED (
  SELECT * FROM lane WHERE next_at <= now()
), ready AS MATERIALIZED (
  SELECT e.community_id, e.id, e.url, e.secret, e.previous, e.previous_until, l.next_at,
    CASE WHEN e.failures >= 3 THEN 1 ELSE $2 END - b.busy AS free, $3 - b.all_busy AS all_free
  FROM due l
  JOIN webhook_endpoint e ON e.community_id = l.community_id AND e.id = l.endpoint_id
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE d.endpoint_id = l.endpoint_id) AS busy, count(*) AS all_busy
    FROM webhook_delivery d
    WHERE d.community_id = l.community_id AND d.taken_until IS NOT NULL AND d.taken_until > now()
  ) AS b
  WHERE e.state = 'enabled' AND coalesce(e.rest_until <= now(), true) AND b.all_busy < $3
    AND CASE WHEN e.failures >= 3 THEN 1 ELSE $2 END > b.busy
  ORDER BY l.next_at LIMIT $1
  FOR NO KEY UPDATE OF e SKIP LOCKED
), free AS MATERIALIZED (
  SELECT r.*, w.id AS delivery_id, w.due_at FROM ready r CROSS JOIN LATERAL (
    SELECT d.id, d.next_at AS due_at FROM webhook_delivery d
    WHERE d.community_id = r.community_id AND d.endpoint_id = r.id AND d.state = 'pending'
      AND d.next_at <= now()
    ORDER BY d.next_at LIMIT r.free FOR UPDATE SKIP LOCKED) AS w
), picked AS MATERIALIZED (
  SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY community_id ORDER BY due_at) AS number FROM free
  ) AS f
  WHERE number <= all_free ORDER BY due_at LIMIT $1
)
UPDATE webhook_delivery d SET next_at = now() + interval '30 seconds',
  taken_until = now() + interval '30 seconds', attempts = d.attempts + 1
FROM picked p JOIN community c ON c.id = p.community_id
WHERE d.community_id = p.community_id AND d.endpoint_id = p.id AND d.id = p.delivery_id
RETURNING d.community_id, d.endpoint_id, d.id, d.payload, p.url, p.secret,
  CASE WHEN p.previous_until > now() THEN p.previous END, d.attempts, d.step, c.demo
