-- Stops believing a key at once. The last one that signs is refused: rotate first.
-- in: kid text!
-- out: kid text!, retired_at timestamptz, _refusal text
-- global
WITH other AS (
  SELECT 1 FROM signing_key
  WHERE kid <> $1 AND active_from <= now() AND (retired_at IS NULL OR retired_at > now()) LIMIT 1
), retired AS (
  UPDATE signing_key SET retired_at = greatest(now(), active_from + interval '1 microsecond')
  WHERE kid = $1 AND (retired_at IS NULL OR retired_at > now()) AND EXISTS (SELECT FROM other)
  RETURNING kid, retired_at
), told AS (
  SELECT retired.* FROM retired, pg_notify('lyceum', 'keys')
)
SELECT k.kid, told.retired_at,
  CASE WHEN told.kid IS NOT NULL THEN NULL
       WHEN k.retired_at <= now() THEN 'already_void'
       ELSE 'state_forbids' END
FROM signing_key k LEFT JOIN told USING (kid) WHERE k.kid = $1
