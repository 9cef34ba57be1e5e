-- All ways to pay that there are, and how each is set up here.
-- in: names text[]!, methods text[]!, demo_only text[]!
-- out: provider text!, methods json!, demo_only bool!, set_up bool!, enabled bool!, settings json!,
--   hint text, updated_at timestamptz, version int!
-- read
SELECT u.name, to_json(string_to_array(u.methods, '|')), u.name = ANY ($4),
  g.provider IS NOT NULL, coalesce(g.enabled, false), coalesce(g.shown, '{}')::json, g.hint,
  g.updated_at, coalesce(g.version, 0)
FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS u (name, methods, number)
LEFT JOIN gateway_setting g ON g.community_id = $1 AND g.provider = u.name
ORDER BY u.number
