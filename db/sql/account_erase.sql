-- Asks for erasure: in seven days, so that it can be taken back by signing in. Asking again does
-- not move the day.
-- in: id uuid!
-- out: _erase_after timestamptz!
-- global
-- again: safe
UPDATE account SET erase_after = coalesce(erase_after, now() + interval '7 days')
WHERE id = $1 AND erased_at IS NULL
RETURNING erase_after
