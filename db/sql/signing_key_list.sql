-- The keys that sign access tokens or have signed some that may still be good, oldest first. At
-- retired_at a key is no longer believed; it has stopped signing when a newer one became active.
-- in: all bool!
-- out: kid text!, active_from timestamptz!, retired_at timestamptz, _sealed bytea!, _jwk json!
-- global
-- read
SELECT kid, active_from, retired_at, sealed_private, public_jwk::json
FROM signing_key
WHERE $1 OR retired_at IS NULL OR retired_at > now()
ORDER BY active_from, kid
