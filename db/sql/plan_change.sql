-- Applies a merge patch to how a plan is sold. Its terms stay as they are.
-- in: id uuid!, body json!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid, _refusal text, _pointer text, _fault text, _told text
WITH old AS MATERIALIZED (
  SELECT n.*, j, coalesce(j ->> 'visibility', n.visibility) AS shown_to,
    CASE WHEN j ? 'sale_from' THEN (j ->> 'sale_from')::timestamptz ELSE n.sale_from END AS since,
    CASE WHEN j ? 'sale_until' THEN (j ->> 'sale_until')::timestamptz ELSE n.sale_until END AS until
  FROM plan n, CAST($3::jsonb AS jsonb) AS j WHERE n.community_id = $1 AND n.id = $2
), done AS (
  UPDATE plan n SET visibility = shown_to, sale_from = since, sale_until = until
  FROM old WHERE n.community_id = $1 AND n.id = $2 AND (until <= since) IS NOT TRUE
  RETURNING n.id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, request_id)
  SELECT $1, $6, $4, $5, 'plan.change', 'plan', old.id, (
      SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(jsonb_build_object(
        'visibility', visibility, 'sale_from', iso(sale_from), 'sale_until', iso(sale_until))) AS f
      WHERE j ? f.key), j, $7
  FROM old WHERE EXISTS (SELECT FROM done)
)
SELECT done.id, CASE WHEN done.id IS NULL THEN 'body_invalid' END,
  CASE WHEN done.id IS NULL THEN '/sale_until' END, CASE WHEN done.id IS NULL THEN 'too_early' END,
  CASE WHEN done.id IS NOT NULL THEN pg_notify('lyceum', 'public ' || $1)::text END
FROM old LEFT JOIN done ON true
