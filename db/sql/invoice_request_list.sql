-- Requests for invoices, the newest first: of all, of one member, of one order, in one state.
-- in: member_id uuid, order_id uuid, state text, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, order_id uuid!, member_id uuid!, kind text!, state text!, number text,
--   reason text, receipt_number text, amount_minor bigint!, currency text!,
--   created_at timestamptz!, decided_at timestamptz, version int!,
--   _key timestamptz!, _sealed bytea
-- read
SELECT i.id, i.order_id, i.member_id, i.kind, i.state, i.number,
  i.reason, i.receipt_number, i.amount_minor, i.currency, i.created_at, i.decided_at, i.version,
  i.created_at, i.sealed
FROM invoice_request_shown i
WHERE i.community_id = $1
  AND ($2::uuid IS NULL OR i.member_id = $2)
  AND ($3::uuid IS NULL OR i.order_id = $3)
  AND ($4::text IS NULL OR i.state = $4)
  AND ($5::timestamptz IS NULL OR (i.created_at, i.id) < ($5, $6))
ORDER BY i.created_at DESC, i.id DESC
LIMIT $7
