-- A code for a contact, and the message that carries it, both or neither. Nothing here depends on
-- whether the contact is known.
-- in: id uuid!, purpose text!, provider text!, subject text!, digest bytea!, channel text!,
--   locale text!, sealed bytea!
-- out: id uuid!, expires_at timestamptz!, _told bigint!
WITH opened AS (
  INSERT INTO challenge (community_id, id, purpose, provider, subject, digest, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, now() + interval '10 minutes')
  RETURNING id, expires_at
), posted AS (
  INSERT INTO delivery (community_id, id, channel, kind, locale, sealed, expires_at)
  SELECT $1, id, $7, 'code', $8, $9, expires_at FROM opened
  RETURNING id
)
SELECT id, expires_at, (SELECT count(pg_notify('lyceum', 'delivery')) FROM posted)
FROM opened
