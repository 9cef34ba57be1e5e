-- All communities, for the command line.
-- out: id bigint!, slug text!, kind text!, name json!, zone text!, locale text!, currency text!,
--   created_at timestamptz!
-- global
-- read
SELECT id, slug, kind, name::json, zone, locale, currency, created_at FROM community ORDER BY id
