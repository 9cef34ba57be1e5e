-- Whose proven contact is this? Also what checking a password and sealing personal fields needs. An
-- account whose time to come back has passed is gone, even before its erasure has run.
-- in: provider text!, subject text!
-- out: _account uuid!, _birth_year int, _sealed_key bytea, _password_hash text, _erasing bool!
-- global
-- read
SELECT a.id, a.birth_year::int, k.sealed_key, c.password_hash, a.erase_after IS NOT NULL
FROM identity i JOIN account a ON a.id = i.account_id
LEFT JOIN person_key k ON k.account_id = a.id
LEFT JOIN credential c ON c.account_id = a.id
WHERE i.provider = $1 AND i.app_id = '' AND i.subject = $2 AND i.proven_at IS NOT NULL
  AND a.erased_at IS NULL AND (a.erase_after IS NULL OR a.erase_after > now())
