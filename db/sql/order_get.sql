-- An order: a member's own, or (without a member) anybody's.
-- in: member_id uuid, id uuid!
-- out: id uuid!, member_id uuid!, kind text!, status text!, currency text!,
--   total_minor bigint!, paid_minor bigint!, refunded_minor bigint!, lines json!,
--   membership_id uuid, quote_id uuid, code_hint text, created_at timestamptz!,
--   due_at timestamptz, expires_at timestamptz, settled_at timestamptz, closed_at timestamptz
-- read
SELECT id, member_id, kind, status, currency, total_minor, paid_minor, refunded_minor, lines::json,
  membership_id, quote_id, code_hint, created_at, due_at, expires_at, settled_at, closed_at
FROM order_shown WHERE community_id = $1 AND ($2::uuid IS NULL OR member_id = $2) AND id = $3
