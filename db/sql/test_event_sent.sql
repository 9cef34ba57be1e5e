-- A notification of the built-in provider was taken, or has to come again.
-- in: id uuid!, taken bool!
-- out: _id uuid!
UPDATE test_event e SET copies = CASE WHEN $3 OR e.tries > 12 THEN e.copies - 1 ELSE e.copies END,
  tries = CASE WHEN $3 THEN 0 ELSE e.tries END,
  due_at = now() + CASE WHEN $3 THEN interval '100 milliseconds'
                        ELSE interval '1 second' * power(2, least(e.tries, 9)) END
WHERE e.community_id = $1 AND e.id = $2 RETURNING e.id
