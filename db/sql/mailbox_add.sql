-- In a demonstration messages go to the mailbox page instead of out.
-- in: id uuid!, channel text!, recipient text!, subject text, body text!
-- out: _id uuid!
WITH gone AS (
  DELETE FROM delivery WHERE community_id = $1 AND id = $2 RETURNING id
)
INSERT INTO mailbox (community_id, id, channel, recipient, subject, body)
SELECT $1, id, $3, $4, $5, $6 FROM gone
RETURNING id
