-- Makes an account with a contact that somebody else vouches for. Where the contact is proven by
-- another account in the meantime, identity_proven refuses all of it.
-- in: id uuid!, identity_id uuid!, provider text!, subject text!, locale text!
-- global
WITH made AS (
  INSERT INTO account (id, locale) VALUES ($1, $5) RETURNING id
)
INSERT INTO identity (id, account_id, provider, subject, proven_at)
SELECT $2, made.id, $3, $4, now() FROM made
