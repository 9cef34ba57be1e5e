-- Adds a first signing key; where there is one that signs or is about to, nothing happens. Asked
-- under an advisory lock, so that of several servers that start together one makes it.
-- in: kid text!, sealed bytea!, jwk json!
-- out: kid text!
-- global
WITH made AS (
  INSERT INTO signing_key (kid, sealed_private, public_jwk, active_from)
  SELECT $1, $2, $3::jsonb, now()
  WHERE NOT EXISTS (SELECT FROM signing_key WHERE retired_at IS NULL OR retired_at > now())
  RETURNING kid
)
SELECT kid FROM made, pg_notify('lyceum', 'keys')
