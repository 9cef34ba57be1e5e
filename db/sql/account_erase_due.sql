-- Is it time to erase this account? With the contacts that must go with it.
-- in: id uuid!
-- out: _due bool!, _contacts text[]!
-- global
SELECT erased_at IS NULL AND erase_after <= now(),
       coalesce((SELECT array_agg(subject) FROM identity WHERE account_id = account.id), '{}')
FROM account WHERE id = $1 AND erase_after IS NOT NULL
