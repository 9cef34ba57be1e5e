-- Takes from an account what makes it a person's. The key goes, and with it all that it sealed.
-- in: id uuid!
-- out: _id uuid!
-- global
WITH nameless AS (DELETE FROM identity WHERE account_id = $1),
trustless AS (DELETE FROM credential WHERE account_id = $1),
keyless AS (DELETE FROM person_key WHERE account_id = $1)
UPDATE account SET erased_at = now(), birth_year = NULL
WHERE id = $1 AND erased_at IS NULL AND erase_after <= now()
RETURNING id
