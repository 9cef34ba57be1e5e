-- A refund is under way at its provider, or could not be asked for now.
-- in: id uuid!, pending bool!, seconds int!
-- out: _id uuid!
-- again: safe
UPDATE refund_request q SET next_try_at = now() + make_interval(secs => $4),
  state = CASE WHEN $3 THEN 'processing' ELSE q.state END
WHERE q.community_id = $1 AND q.id = $2 AND q.state IN ('asked', 'processing') RETURNING q.id
