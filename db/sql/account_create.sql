-- A person, by the contact just proven. Of two sign-ups with one contact at once the second breaks
-- identity_proven.
-- in: id uuid!, identity uuid!, provider text!, subject text!, birth_year int, locale text!,
--   sealed_key bytea!, password_hash text
-- out: _id uuid!
-- global
WITH made AS (
  INSERT INTO account (id, birth_year, locale) VALUES ($1, $5::smallint, $6) RETURNING id
), named AS (
  INSERT INTO identity (id, account_id, provider, subject, proven_at)
  SELECT $2, id, $3, $4, now() FROM made
), keyed AS (
  INSERT INTO person_key (account_id, sealed_key) SELECT id, $7 FROM made
), trusted AS (
  INSERT INTO credential (account_id, password_hash)
  SELECT id, $8 FROM made WHERE $8::text IS NOT NULL
)
SELECT id FROM made
