-- What a payer does on the page of the built-in provider.
-- in: id uuid!, act text!, how json!
-- out: _slug text!, _done text
WITH charge AS MATERIALIZED (
  SELECT m.slug FROM test_charge c JOIN community m ON m.id = $1 AND m.demo
  WHERE c.community_id = $1 AND c.id = $2
), done AS MATERIALIZED (
  SELECT charge.slug, test_act($1, $2, $3, $4::jsonb)::text AS done FROM charge
)
SELECT slug, done FROM done
