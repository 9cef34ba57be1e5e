-- A member's quote.
-- in: member_id uuid!, id uuid!
-- out: id uuid!, kind text!, currency text!, subtotal_minor bigint!, discount_minor bigint!,
--   credit_minor bigint!, total_minor bigint!, lines json!, starts_at timestamptz,
--   ends_at timestamptz, trial bool!, units int, membership_id uuid, code_hint text,
--   made_at timestamptz!, expires_at timestamptz!
-- read
SELECT id, kind, currency, subtotal_minor, discount_minor, credit_minor, total_minor, lines::json,
  starts_at, ends_at, trial, units, membership_id, code_hint, made_at, expires_at
FROM quote_shown WHERE community_id = $1 AND member_id = $2 AND id = $3
