-- May this contact be written to again: one message a minute, ten a day, and all of a channel
-- within the day's cap? Counts it if so. The rows are locked by the update, so that of two
-- requests at once the second sees what the first took.
-- in: digest bytea!, channel text!, cap bigint!
-- out: _allowed bool!, _wait int!
-- global
WITH capped AS (
  INSERT INTO delivery_budget AS b (channel, day, sent)
  SELECT $2, (now() AT TIME ZONE 'UTC')::date, 1
  WHERE $3 > 0 AND NOT EXISTS (
    SELECT FROM contact_budget c WHERE c.digest = $1
      AND (c.last_at > now() - interval '1 minute'
           OR c.sent >= 10 AND c.day = (now() AT TIME ZONE 'UTC')::date))
  ON CONFLICT (channel, day) DO UPDATE SET sent = b.sent + 1 WHERE b.sent < $3
  RETURNING day
), spent AS (
  INSERT INTO contact_budget AS c (digest, day, sent, last_at)
  SELECT $1, day, 1, now() FROM capped
  ON CONFLICT (digest) DO UPDATE
  SET day = excluded.day, last_at = now(), sent = CASE WHEN c.day = excluded.day
                                                  THEN c.sent + 1 ELSE 1 END
  WHERE c.last_at <= now() - interval '1 minute' AND (c.day < excluded.day OR c.sent < 10)
  RETURNING digest
)
SELECT EXISTS (SELECT FROM spent),
       coalesce((SELECT CASE
         WHEN c.sent >= 10 AND c.day = (now() AT TIME ZONE 'UTC')::date
         THEN extract(epoch FROM (c.day + 1)::timestamp AT TIME ZONE 'UTC' - now())
         ELSE greatest(1, 60 - extract(epoch FROM now() - c.last_at)) END::int
         FROM contact_budget c WHERE c.digest = $1), 60)
