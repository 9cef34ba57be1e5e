-- What the built-in provider answers to a call.
-- in: asked json!
-- out: _answer json!
SELECT test_serve($1, $2::jsonb)::json
