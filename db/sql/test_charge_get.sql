-- A payment at the built-in provider, for its page.
-- in: id uuid!
-- out: _slug text!, _name json!, _subject text!, _state text!, _dispute text, _amount bigint!,
--   _refunded bigint!, _currency text!, _expired bool!
-- read
SELECT m.slug, m.name::json, c.subject, c.state, c.dispute, c.amount_minor, c.refunded_minor,
  c.currency, coalesce(c.expires_at <= now(), false)
FROM test_charge c JOIN community m ON m.id = $1 AND m.demo
WHERE c.community_id = $1 AND c.id = $2
