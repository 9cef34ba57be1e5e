-- Which community a slug names.
-- in: slug text!
-- out: id bigint!
-- global
-- read
SELECT id FROM community WHERE slug = $1
