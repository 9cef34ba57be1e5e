-- Keeps an answer beside its effect, in the same transaction. After 7 days a key is free again.
-- No row: another request with this key committed after this one's claim had looked, and this one
-- must not happen.
-- in: caller uuid!, key text!, hash bytea!, status int!, headers bytea!, body bytea!
-- out: _stored bool!
INSERT INTO idempotency AS i (community_id, caller, key, request_hash, status, headers, body)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (community_id, caller, key) DO UPDATE
SET request_hash = excluded.request_hash, status = excluded.status, headers = excluded.headers,
    body = excluded.body, created_at = now()
WHERE i.created_at <= now() - interval '7 days'
RETURNING true
