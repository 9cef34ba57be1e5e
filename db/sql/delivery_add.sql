-- A notice to a person's own contact, in the transaction that did what it tells of.
-- in: id uuid!, provider text!, kind text!, locale text!, sealed bytea!
-- out: _told bigint!
WITH posted AS (
  INSERT INTO delivery (community_id, id, channel, kind, locale, sealed, expires_at)
  VALUES ($1, $2, CASE $3 WHEN 'email' THEN 'mail' ELSE 'sms' END, $4, $5, $6,
          now() + interval '1 day')
  RETURNING id
)
SELECT count(pg_notify('lyceum', 'delivery')) FROM posted
