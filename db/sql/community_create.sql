-- Makes a community.
-- in: slug text!, kind text!, name json!, zone text!, locale text!, currency text!, icp_number text
-- out: id bigint, slug text!, _refusal text
-- global
WITH zone AS MATERIALIZED (
  SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = $4) AS known
), made AS (
  INSERT INTO community (slug, kind, name, zone, locale, currency, icp_number)
  SELECT $1, $2, $3::jsonb, $4, $5, $6, $7 FROM zone WHERE known
  ON CONFLICT (slug) DO NOTHING
  RETURNING id
)
SELECT made.id, $1,
  CASE WHEN NOT zone.known THEN 'zone_unknown' WHEN made.id IS NULL THEN 'slug_taken' END
FROM zone LEFT JOIN made ON true
