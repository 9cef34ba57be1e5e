-- Who did what, the newest first. `action` is a whole one (code.redeem) or a kind (code).
-- in: actor_id uuid, action text, target_kind text, target_id uuid, since timestamptz,
--   before timestamptz, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, at timestamptz!, actor_id uuid, actor_role text, via text!, action text!,
--   target_kind text, target_id uuid, before json, after json, reason text, request_id text,
--   _key timestamptz!
-- read
SELECT a.id, a.at, a.actor_id, a.actor_role, a.via, a.action, a.target_kind, a.target_id,
  a.before::json, a.after::json, a.reason, a.request_id, a.at
FROM audit_log a
WHERE a.community_id = $1
  AND ($2::uuid IS NULL OR a.actor_id = $2)
  AND ($3::text IS NULL OR a.action = $3 OR starts_with(a.action, $3 || '.'))
  AND ($4::text IS NULL OR a.target_kind = $4)
  AND ($5::uuid IS NULL OR a.target_id = $5)
  AND ($6::timestamptz IS NULL OR a.at >= $6)
  AND ($7::timestamptz IS NULL OR a.at < $7)
  AND ($8::timestamptz IS NULL OR (a.at, a.id) < ($8, $9))
ORDER BY a.at DESC, a.id DESC
LIMIT $10
