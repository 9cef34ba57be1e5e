-- One of the five tries at a code: counted before it is compared, and committed by itself, so that
-- what fails later gives no try back. A code that was used or has expired finds no row, like one
-- that never was.
-- in: id uuid!, purposes text[]!
-- out: _provider text!, _subject text!, _digest bytea!
UPDATE challenge SET tries = tries + 1
WHERE community_id = $1 AND id = $2 AND purpose = ANY ($3) AND used_at IS NULL
  AND expires_at > now() AND tries < 5
RETURNING provider, subject, digest
