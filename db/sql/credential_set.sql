-- A new password, unless it was changed by somebody else since `was` was read.
-- in: account uuid!, password_hash text!, was text
-- out: _account uuid!
-- global
INSERT INTO credential AS c (account_id, password_hash) VALUES ($1, $2)
ON CONFLICT (account_id) DO UPDATE SET password_hash = excluded.password_hash, changed_at = now()
WHERE $3::text IS NULL OR c.password_hash = $3
RETURNING account_id
