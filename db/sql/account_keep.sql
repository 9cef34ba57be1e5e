-- Signing in takes back the wish to be erased; signing up may tell a birth year not known yet.
-- in: id uuid!, birth_year int
-- out: _id uuid!
-- global
-- again: safe
UPDATE account SET erase_after = NULL, birth_year = coalesce(birth_year, $2::smallint)
WHERE id = $1 AND erased_at IS NULL AND (erase_after IS NULL OR erase_after > now())
RETURNING id
