-- Adds a signing key that takes over after so many seconds; the ones before it stay published until
-- the last token that they can have signed has run out.
-- in: kid text!, sealed bytea!, jwk json!, after_seconds bigint!, keep_seconds bigint!
-- out: kid text!, active_from timestamptz!, retired_at timestamptz
-- global
WITH made AS (
  INSERT INTO signing_key (kid, sealed_private, public_jwk, active_from)
  VALUES ($1, $2, $3::jsonb, now() + make_interval(secs => $4))
  RETURNING kid, active_from
), retired AS (
  UPDATE signing_key SET retired_at = greatest(now(), active_from) + make_interval(secs => $4 + $5)
  WHERE retired_at IS NULL
  RETURNING kid, active_from, retired_at
), changed AS (
  SELECT kid, active_from, NULL::timestamptz AS retired_at FROM made
  UNION ALL SELECT kid, active_from, retired_at FROM retired
)
SELECT changed.* FROM changed, pg_notify('lyceum', 'keys') ORDER BY active_from
