-- The password's hash of a person, to be compared on the work pool; null when there is none. The
-- contacts are what the password must not be made of, and where the change is told.
-- in: account uuid!
-- out: _password_hash text, _provider text, _subject text
-- global
-- read
SELECT c.password_hash, i.provider, i.subject
FROM account a
LEFT JOIN credential c ON c.account_id = a.id
LEFT JOIN LATERAL (
  SELECT provider, subject FROM identity
  WHERE account_id = a.id AND proven_at IS NOT NULL AND provider IN ('email', 'phone')
  ORDER BY provider, created_at LIMIT 1) i ON true
WHERE a.id = $1 AND a.erased_at IS NULL
