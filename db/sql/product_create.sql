-- Makes a product. It shows in public once it has a plan on sale.
-- in: id uuid!, body json!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid!, slug text!, kind text!, name json!, summary json, position int!, archived bool!,
--   created_at timestamptz!, version int!
WITH made AS (
  INSERT INTO product (community_id, id, slug, kind, name, summary, position)
  SELECT $1, $2, j ->> 'slug', j ->> 'kind', j -> 'name', j -> 'summary',
    coalesce((j ->> 'position')::int, 0)
  FROM jsonb_strip_nulls($3::jsonb) AS j
  RETURNING *
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $6, $4, $5, 'product.create', 'product', id, $3::jsonb, $7 FROM made
)
SELECT id, slug, kind, name::json, summary::json, position, archived_at IS NOT NULL, created_at,
  version
FROM made
