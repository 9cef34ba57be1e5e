-- Changes a membership: pause, resume, cancel, return, or how it goes on. A preview tells what it
-- would be, and leaves everything as it is. `expected` is the version that If-Match stood for; 0
-- means any.
-- in: member_id uuid!, id uuid!, wish text!, body json!, preview bool!, expected int!,
--   actor uuid!, role text!, audit_id uuid!, request_id text
-- out: preview bool!, before json, after json, _refusal text, _pointer text, _fault text
SELECT $6, c.before::json, c.after::json, c.why ->> 'refusal', c.why ->> 'pointer',
  c.why ->> 'fault'
FROM membership_change($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10, $11) AS c
