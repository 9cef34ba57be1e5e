-- The current version of a text that people agree to.
-- in: kind text!
-- out: kind text!, version int!, body json!, published_at timestamptz!
-- read
SELECT kind, version, body::json, published_at
FROM community_text WHERE community_id = $1 AND kind = $2
ORDER BY version DESC LIMIT 1
