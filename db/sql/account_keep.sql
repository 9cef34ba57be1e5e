-- Signing in takes back the wish to be erased; signing up may also tell a birth year not known yet,
-- and needs a key to seal with, which accounts made on the command line do not have.
-- in: id uuid!, birth_year int, sealed_key bytea
-- out: _sealed_key bytea
-- global
WITH kept AS (
  UPDATE account SET erase_after = NULL, birth_year = coalesce(birth_year, $2::smallint)
  WHERE id = $1 AND erased_at IS NULL AND (erase_after IS NULL OR erase_after > now())
  RETURNING id
), keyed AS (
  INSERT INTO person_key AS k (account_id, sealed_key)
  SELECT id, $3 FROM kept WHERE $3::bytea IS NOT NULL
  ON CONFLICT (account_id) DO UPDATE SET sealed_key = k.sealed_key  -- of two at once, the first's
  RETURNING k.sealed_key
)
SELECT (SELECT sealed_key FROM keyed) FROM kept
