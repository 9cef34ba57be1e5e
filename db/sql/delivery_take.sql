-- Takes messages that are due, by moving their time ahead and committing that: if this process
-- dies, somebody takes them again then.
-- in: most int!
-- out: _community bigint!, _id uuid!, _channel text!, _kind text!, _locale text!, _sealed bytea,
--   _tries int!, _expired bool!, _notice text, _member uuid, _facts json
-- global
WITH due AS (
  SELECT community_id, id FROM delivery WHERE due_at <= now()
  ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE delivery d SET due_at = now() + interval '30 seconds', tries = d.tries + 1
FROM due WHERE d.community_id = due.community_id AND d.id = due.id
RETURNING d.community_id, d.id, d.channel, d.kind, d.locale, d.sealed, d.tries,
          d.expires_at <= now(), d.notice, d.member_id, d.facts::json
