-- One product.
-- in: id uuid!
-- out: id uuid!, slug text!, kind text!, name json!, summary json, position int!, archived bool!,
--   created_at timestamptz!, version int!
-- read
SELECT id, slug, kind, name::json, summary::json, position, archived_at IS NOT NULL, created_at,
  version
FROM product WHERE community_id = $1 AND id = $2
