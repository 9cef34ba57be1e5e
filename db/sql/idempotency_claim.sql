-- Takes an Idempotency-Key for this transaction and tells what it answered before, if anything.
-- The advisory lock ends with the transaction; who does not get it asks while another is at it.
-- in: caller uuid!, key text!
-- out: _got bool!, _hash bytea, _status int, _headers bytea, _body bytea
WITH lock AS MATERIALIZED (
  SELECT pg_try_advisory_xact_lock(hashtextextended($1::text || $2::text || $3, 0)) AS got
)
SELECT lock.got, i.request_hash, i.status, i.headers, i.body
FROM lock LEFT JOIN idempotency i
  ON i.community_id = $1 AND i.caller = $2 AND i.key = $3
    AND i.created_at > now() - interval '7 days'
