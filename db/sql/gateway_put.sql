-- Sets up a way to pay, if it is still as it was seen. Secrets come sealed, and of them the audit
-- says only that they were changed.
-- in: provider text!, enabled bool!, shown json!, sealed bytea, hint text, was int!, secret bool!,
--   actor uuid!, role text!, audit_id uuid!, request_id text
-- out: _refusal text
WITH old AS MATERIALIZED (
  SELECT g.enabled, g.shown FROM gateway_setting g WHERE g.community_id = $1 AND g.provider = $2
), put AS (
  INSERT INTO gateway_setting AS g (community_id, provider, enabled, shown, sealed, hint,
                                    updated_by)
  VALUES ($1, $2, $3, $4, $5, $6, $9)
  ON CONFLICT (community_id, provider) DO UPDATE
  SET enabled = excluded.enabled, shown = excluded.shown, sealed = excluded.sealed,
    hint = excluded.hint, updated_by = excluded.updated_by, updated_at = now(),
    version = g.version + 1
  WHERE g.version = $7
  RETURNING g.version
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, before, after,
                         request_id)
  SELECT $1, $11, $9, $10, 'gateway.change', 'gateway',
    (SELECT jsonb_build_object('enabled', enabled, 'settings', shown) FROM old),
    jsonb_build_object('provider', $2, 'enabled', $3, 'settings', $4::jsonb, 'secrets', $8), $12
  FROM put
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM put) THEN 'busy' END
