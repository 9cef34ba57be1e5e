-- Changes a lecturer's profile by merge patch, if it is still at the version read (0: whatever).
-- in: id uuid!, body json!, version bigint!, actor uuid!, role text!, audit_id uuid!,
--   request_id text
-- out: id uuid!, slug text!, name json!, bio json, portrait_url text, member_id uuid,
--   position int!, created_at timestamptz!, archived_at timestamptz, _refusal text,
--   _pointer text, _told text
WITH old AS MATERIALIZED (
  SELECT s.*, $3::jsonb AS j FROM lecturer s WHERE s.community_id = $1 AND s.id = $2
  FOR NO KEY UPDATE
), judged AS MATERIALIZED (
  SELECT *, CASE WHEN $4 NOT IN (0, version) THEN 'version_changed'
                 WHEN pointer IS NOT NULL THEN 'body_invalid' END AS refusal
  FROM (SELECT *, CASE
    WHEN j ->> 'member_id' IS NOT NULL AND NOT EXISTS (
      SELECT FROM member m WHERE m.community_id = $1 AND m.id = (j ->> 'member_id')::uuid
        AND m.left_at IS NULL) THEN '/member_id'
    WHEN j ->> 'portrait_url' !~ '^https://[^[:space:]]+$' THEN '/portrait_url' END AS pointer
    FROM old) AS looked_at
), done AS (
  UPDATE lecturer s SET
    slug = coalesce(j ->> 'slug', s.slug),
    name = s.name || coalesce(j -> 'name', '{}'),
    bio = CASE WHEN NOT j ? 'bio' THEN s.bio::jsonb WHEN j -> 'bio' = 'null' THEN NULL
               ELSE coalesce(s.bio, '{}') || (j -> 'bio') END,
    portrait_url = CASE WHEN j ? 'portrait_url' THEN j ->> 'portrait_url'
                        ELSE s.portrait_url END,
    member_id = CASE WHEN j ? 'member_id' THEN (j ->> 'member_id')::uuid ELSE s.member_id END,
    position = coalesce((j ->> 'position')::int, s.position),
    archived_at = CASE (j ->> 'archived')::bool WHEN true THEN coalesce(s.archived_at, now())
                       WHEN false THEN NULL ELSE s.archived_at END,
    version = s.version + 1
  FROM judged o
  WHERE s.community_id = $1 AND s.id = o.id AND o.refusal IS NULL
  RETURNING s.*
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, request_id)
  SELECT $1, $7, $5, $6, 'lecturer.change', 'lecturer', d.id, (
      SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(to_jsonb(o) - 'j') AS f
      WHERE o.j ? f.key), o.j, $8
  FROM done d JOIN judged o USING (id)
)
SELECT o.id, d.slug, d.name::json, d.bio::json, d.portrait_url, d.member_id, d.position,
  d.created_at, d.archived_at, o.refusal, CASE WHEN o.refusal = 'body_invalid' THEN o.pointer END,
  CASE WHEN d.id IS NOT NULL THEN pg_notify('lyceum', 'public ' || $1)::text END
FROM judged o LEFT JOIN done d ON true
