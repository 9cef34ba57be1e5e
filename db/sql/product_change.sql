-- Applies a merge patch to a product. Archived, it and its plans are no longer on sale. `expected`
-- is the version that If-Match stood for; 0 means any.
-- in: id uuid!, body json!, expected int!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid!, slug text!, kind text!, name json!, summary json, position int!, archived bool!,
--   created_at timestamptz!, version int!,
--   _refusal text, _told text
WITH given AS (
  SELECT $3::jsonb AS j
), old AS MATERIALIZED (
  SELECT p.* FROM product p WHERE p.community_id = $1 AND p.id = $2
), done AS (
  UPDATE product p SET
    slug = coalesce(j ->> 'slug', p.slug),
    name = CASE WHEN j ? 'name' THEN p.name || (j -> 'name') ELSE p.name END,
    summary = CASE WHEN NOT j ? 'summary' THEN p.summary::jsonb
                   WHEN j -> 'summary' = 'null' THEN NULL
                   ELSE coalesce(p.summary, '{}') || (j -> 'summary') END,
    position = coalesce((j ->> 'position')::int, p.position),
    archived_at = CASE WHEN NOT j ? 'archived' THEN p.archived_at
                       WHEN (j ->> 'archived')::bool THEN coalesce(p.archived_at, now()) END,
    version = p.version + 1
  FROM given
  WHERE p.community_id = $1 AND p.id = $2 AND ($4 = 0 OR p.version = $4)
  RETURNING p.*
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, request_id)
  SELECT $1, $7, $5, $6, 'product.change', 'product', old.id, (
      SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(jsonb_build_object(
        'slug', old.slug, 'name', old.name, 'summary', old.summary, 'position', old.position,
        'archived', old.archived_at IS NOT NULL)) AS f
      WHERE j ? f.key), j, $8
  FROM old, given WHERE EXISTS (SELECT FROM done)
)
SELECT d.id, d.slug, d.kind, d.name::json, d.summary::json, d.position, d.archived_at IS NOT NULL,
  d.created_at, d.version,
  CASE WHEN d.id IS NULL THEN 'version_changed' END,
  CASE WHEN d.id IS NOT NULL THEN pg_notify('lyceum', 'public ' || $1)::text END
FROM old LEFT JOIN done d ON true
