-- Whose proven contact this is.
-- in: provider text!, subject text!
-- out: account_id uuid!
-- global
-- read
SELECT account_id FROM identity
WHERE provider = $1 AND app_id = '' AND subject = $2 AND proven_at IS NOT NULL
