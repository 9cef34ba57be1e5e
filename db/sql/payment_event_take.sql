-- Keeps a notification and does what it says, once.
-- in: provider text!, event text!, facts json!, sealed bytea!
-- out: _outcome text!
SELECT payment_event_take($1, $2, $3, $4::jsonb, $5)
