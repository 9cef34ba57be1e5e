-- One code with its sealed text, which the handler opens. That somebody saw it is written down.
-- in: id uuid!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid!, hint text!, machine_made bool!, status text!, effect text!, product_id uuid!,
--   plan_id uuid!, days int, percent int, discount_minor bigint, forever bool!,
--   minimum_minor bigint, max_uses int!, used int!, held int!,
--   valid_from timestamptz, valid_until timestamptz, reserved_for text,
--   campaign_id uuid, batch_id uuid, created_by uuid, created_at timestamptz!,
--   revoked_at timestamptz,
--   _sealed bytea
WITH found AS MATERIALIZED (
  SELECT * FROM code_shown WHERE community_id = $1 AND id = $2
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         request_id)
  SELECT $1, $5, $3, $4, 'code.reveal', 'code', id, $6 FROM found
)
SELECT id, hint, machine_made, status, effect, product_id, plan_id, days, percent, discount_minor,
  forever, minimum_minor, max_uses, used, held, valid_from, valid_until, reserved_for,
  campaign_id, batch_id, created_by, created_at, revoked_at, sealed
FROM found
