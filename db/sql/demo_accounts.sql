-- Accounts of the demo's people, with their addresses proven; those who are there stay as they are.
-- Tells which account is whose, and who has no password yet.
-- in: emails text[]!
-- out: email text!, account_id uuid!, has_password bool!
-- global
WITH wanted AS MATERIALIZED (
  SELECT w.email, i.account_id, uuid7() AS new_id
  FROM unnest($1::text[]) AS w (email)
  LEFT JOIN identity i ON i.provider = 'email' AND i.app_id = '' AND i.subject = w.email
    AND i.proven_at IS NOT NULL
), accounts AS (
  INSERT INTO account (id) SELECT new_id FROM wanted WHERE account_id IS NULL
), identities AS (
  INSERT INTO identity (id, account_id, provider, subject, proven_at)
  SELECT uuid7(), new_id, 'email', email, now() FROM wanted WHERE account_id IS NULL
)
SELECT w.email, coalesce(w.account_id, w.new_id), c.account_id IS NOT NULL
FROM wanted w LEFT JOIN credential c ON c.account_id = w.account_id
