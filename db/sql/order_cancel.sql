-- Cancels an order that nobody has paid: a member's own, or (without a member) anybody's. Again is
-- no change.
-- in: member_id uuid, id uuid!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid!, _refusal text
WITH found AS MATERIALIZED (
  SELECT o.id, o.closed_reason, order_close($1, o.id, 'cancelled') AS closed FROM orders o
  WHERE o.community_id = $1 AND ($2::uuid IS NULL OR o.member_id = $2) AND o.id = $3
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         request_id)
  SELECT $1, $6, $4, $5, 'order.cancel', 'order', id, $7 FROM found WHERE closed
)
SELECT id, CASE WHEN NOT closed AND closed_reason IS DISTINCT FROM 'cancelled'
           THEN 'state_forbids' END
FROM found
