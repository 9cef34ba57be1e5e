-- What everybody may know of a community.
-- in: id bigint!
-- out: slug text!, name json!, about json, kind text!, zone text!, locale text!, currency text!,
--   icp_number text
-- global
-- read
SELECT slug, name::json, about::json, kind, zone, locale, currency, icp_number
FROM community WHERE id = $1
