-- A request for an invoice: a member's own, or (all) anybody's.
-- in: id uuid!, member_id uuid!, all bool!
-- out: id uuid!, order_id uuid!, member_id uuid!, kind text!, state text!, number text,
--   reason text, receipt_number text, amount_minor bigint!, currency text!,
--   created_at timestamptz!, decided_at timestamptz, version int!,
--   _sealed bytea
-- read
SELECT i.id, i.order_id, i.member_id, i.kind, i.state, i.number,
  i.reason, i.receipt_number, i.amount_minor, i.currency, i.created_at, i.decided_at, i.version,
  i.sealed
FROM invoice_request_shown i
WHERE i.community_id = $1 AND i.id = $2 AND ($4 OR i.member_id = $3)
