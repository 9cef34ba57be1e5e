-- Sets a password, whatever it was before.
-- in: account_id uuid!, password_hash text!
-- global
INSERT INTO credential (account_id, password_hash) VALUES ($1, $2)
ON CONFLICT (account_id) DO UPDATE
SET password_hash = excluded.password_hash, changed_at = now()
