-- How a way to pay is set up here; the secrets are sealed. What is for demonstrations only is not
-- there elsewhere.
-- in: provider text!
-- out: _slug text!, _enabled bool!, _shown json!, _sealed bytea, _hint text, _version int!
-- read
SELECT c.slug, g.enabled, g.shown::json, g.sealed, g.hint, g.version
FROM gateway_setting g JOIN community c ON c.id = $1
WHERE g.community_id = $1 AND g.provider = $2 AND (g.provider <> 'test' OR c.demo)
