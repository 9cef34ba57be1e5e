-- May a way to pay be set up here, and how is it so far?
-- in: provider text!, demo_only bool!
-- out: _refusal text, _enabled bool, _shown json, _sealed bytea, _hint text, _version int
-- read
SELECT CASE WHEN $3 AND NOT c.demo THEN 'way_closed' END, g.enabled, g.shown::json, g.sealed,
  g.hint, g.version
FROM community c LEFT JOIN gateway_setting g ON g.community_id = $1 AND g.provider = $2
WHERE c.id = $1
