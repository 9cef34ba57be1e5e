-- What was sent to an endpoint, or is to be, the newest first: ids are made in order. The few that
-- failed or wait among many that arrived are found by an index of their own.
-- in: endpoint uuid!, state text, type text, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, type text!, state text!, attempts int!, next_at timestamptz, last_status int,
--   last_error text, last_ms int, created_at timestamptz!, finished_at timestamptz,
--   _key timestamptz!
-- read
WITH found AS MATERIALIZED (
  (SELECT d.id FROM webhook_delivery d
   WHERE d.community_id = $1 AND d.endpoint_id = $2 AND ($4::text IS NULL OR d.type = $4)
     AND ($5::timestamptz IS NULL OR d.id < $6)
     AND ($3::text IS NULL OR $3 = 'delivered' AND d.state = 'delivered')
   ORDER BY d.id DESC LIMIT $7)
  UNION ALL
  (SELECT d.id FROM webhook_delivery d
   WHERE d.community_id = $1 AND d.endpoint_id = $2 AND ($4::text IS NULL OR d.type = $4)
     AND ($5::timestamptz IS NULL OR d.id < $6) AND $3 = 'failed' AND d.state = 'failed'
   ORDER BY d.id DESC LIMIT $7)
  UNION ALL
  (SELECT d.id FROM webhook_delivery d
   WHERE d.community_id = $1 AND d.endpoint_id = $2 AND ($4::text IS NULL OR d.type = $4)
     AND ($5::timestamptz IS NULL OR d.id < $6) AND $3 = 'pending' AND d.state = 'pending'
   ORDER BY d.id DESC LIMIT $7)
)
SELECT d.id, d.type, d.state, d.attempts, d.next_at, d.last_status, d.last_error, d.last_ms,
  d.created_at, d.finished_at, d.created_at
FROM found f
JOIN webhook_delivery d ON d.community_id = $1 AND d.endpoint_id = $2 AND d.id = f.id
ORDER BY d.id DESC
