-- Orders, the newest first: a member's, or everybody's.
-- in: member_id uuid, status text, kind text, since timestamptz, before timestamptz,
--   after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, member_id uuid!, kind text!, status text!, currency text!,
--   total_minor bigint!, paid_minor bigint!, refunded_minor bigint!, lines json!,
--   membership_id uuid, quote_id uuid, code_hint text, created_at timestamptz!,
--   due_at timestamptz, expires_at timestamptz, settled_at timestamptz, closed_at timestamptz,
--   _key timestamptz!
-- read
SELECT id, member_id, kind, status, currency, total_minor, paid_minor, refunded_minor, lines::json,
  membership_id, quote_id, code_hint, created_at, due_at, expires_at, settled_at, closed_at,
  created_at
FROM order_shown
WHERE community_id = $1 AND ($2::uuid IS NULL OR member_id = $2)
  AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR kind = $4)
  AND ($5::timestamptz IS NULL OR created_at >= $5)
  AND ($6::timestamptz IS NULL OR created_at < $6)
  AND ($7::timestamptz IS NULL OR (created_at, id) < ($7, $8))
ORDER BY created_at DESC, id DESC
LIMIT $9
