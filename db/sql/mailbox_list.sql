-- The newest messages of a demonstration, of all its communities.
-- in: recipient text, most int!
-- out: _at timestamptz!, _channel text!, _recipient text!, _subject text, _body text!
-- global
-- read
SELECT at, channel, recipient, subject, body FROM mailbox
WHERE $1::text IS NULL OR recipient = $1
ORDER BY at DESC LIMIT $2
