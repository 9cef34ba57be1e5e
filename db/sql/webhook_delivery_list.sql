-- What was sent to an endpoint, or is to be, the newest first. Ids are made in order.
-- in: endpoint uuid!, state text, type text, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, type text!, state text!, attempts int!, next_at timestamptz, last_status int,
--   last_error text, last_ms int, created_at timestamptz!, finished_at timestamptz,
--   _key timestamptz!
-- read
SELECT d.id, d.type, d.state, d.attempts, d.next_at, d.last_status, d.last_error, d.last_ms,
  d.created_at, d.finished_at, d.created_at
FROM webhook_delivery d
WHERE d.community_id = $1 AND d.endpoint_id = $2
  AND ($3::text IS NULL OR d.state = $3) AND ($4::text IS NULL OR d.type = $4)
  AND ($5::timestamptz IS NULL OR d.id < $6)
ORDER BY d.id DESC
LIMIT $7
