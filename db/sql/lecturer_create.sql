-- Adds a lecturer's profile; it needs no account, and may be linked to a member.
-- in: id uuid!, body json!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid!, slug text!, name json!, bio json, portrait_url text, member_id uuid,
--   position int!, created_at timestamptz!, archived_at timestamptz, _refusal text,
--   _pointer text, _told text
WITH given AS MATERIALIZED (
  SELECT jsonb_strip_nulls($3::jsonb) AS j
), judged AS MATERIALIZED (
  SELECT j, CASE
    WHEN j ? 'member_id' AND NOT EXISTS (
      SELECT FROM member m WHERE m.community_id = $1 AND m.id = (j ->> 'member_id')::uuid
        AND m.left_at IS NULL) THEN '/member_id'
    WHEN j ->> 'portrait_url' !~ '^https://[^[:space:]]+$' THEN '/portrait_url' END AS pointer
  FROM given
), made AS (
  INSERT INTO lecturer AS s (community_id, id, slug, name, bio, portrait_url, member_id, position)
  SELECT $1, $2, j ->> 'slug', j -> 'name', j -> 'bio', j ->> 'portrait_url',
    (j ->> 'member_id')::uuid, coalesce((j ->> 'position')::int, 0)
  FROM judged WHERE pointer IS NULL
  RETURNING s.*
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $6, $4, $5, 'lecturer.create', 'lecturer', id, $3::jsonb, $7 FROM made
)
SELECT m.id, m.slug, m.name::json, m.bio::json, m.portrait_url, m.member_id, m.position,
  m.created_at, m.archived_at, CASE WHEN j.pointer IS NOT NULL THEN 'body_invalid' END, j.pointer,
  CASE WHEN m.id IS NOT NULL THEN pg_notify('lyceum', 'public ' || $1)::text END
FROM judged j LEFT JOIN made m ON true
