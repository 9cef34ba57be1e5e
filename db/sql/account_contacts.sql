-- The proven ways to be this person; a ban keeps all of them out.
-- in: id uuid!
-- out: _provider text!, _app_id text!, _subject text!
-- global
-- read
SELECT provider, app_id, subject FROM identity WHERE account_id = $1 AND proven_at IS NOT NULL
ORDER BY created_at LIMIT 64
