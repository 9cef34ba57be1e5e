-- One delivery, with what was sent and each try.
-- in: endpoint uuid!, id uuid!
-- out: id uuid!, type text!, state text!, attempts int!, next_at timestamptz, last_status int,
--   last_error text, last_ms int, created_at timestamptz!, finished_at timestamptz, payload json!,
--   tries json!
-- read
SELECT d.id, d.type, d.state, d.attempts, d.next_at, d.last_status, d.last_error, d.last_ms,
  d.created_at, d.finished_at, d.payload::json,
  (SELECT coalesce(json_agg(json_build_object('number', a.number, 'at', iso(a.at), 'status',
     a.status, 'error', a.error, 'ms', a.ms, 'answer', a.answer) ORDER BY a.number), '[]')
   FROM (SELECT * FROM webhook_attempt a WHERE a.community_id = $1 AND a.endpoint_id = $2
           AND a.delivery_id = $3 ORDER BY a.number DESC LIMIT 100) AS a)
FROM webhook_delivery d
JOIN webhook_endpoint e ON e.community_id = $1 AND e.id = d.endpoint_id AND e.state <> 'removed'
WHERE d.community_id = $1 AND d.endpoint_id = $2 AND d.id = $3
