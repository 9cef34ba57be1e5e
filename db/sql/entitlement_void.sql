-- Takes back a span that was given. One that came of a code gives its use back, too: the code can
-- be redeemed again, and its books balance.
-- in: member_id uuid!, id uuid!, reason text!, actor uuid!, role text!, audit_id uuid!,
--   request_id text
-- out: _refusal text, _told text
WITH old AS MATERIALIZED (
  SELECT e.id, e.redemption_id FROM entitlement e
  WHERE e.community_id = $1 AND e.member_id = $2 AND e.id = $3
), voided AS (
  UPDATE entitlement e SET voided_at = now(), voided_by = $5, void_reason = $4
  WHERE e.community_id = $1 AND e.member_id = $2 AND e.id = $3 AND e.voided_at IS NULL
  RETURNING e.id, e.redemption_id, e.product_id, e.span
), released AS (
  UPDATE redemption r SET released_at = now()
  FROM voided v
  WHERE r.community_id = $1 AND r.member_id = $2 AND r.id = v.redemption_id
    AND r.released_at IS NULL
  RETURNING r.code_id
), freed AS (
  UPDATE invite_code c SET used = c.used - 1
  FROM released r WHERE c.community_id = $1 AND c.id = r.code_id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, reason, request_id)
  SELECT $1, $7, $5, $6, 'entitlement.void', 'member', $2,
    jsonb_build_object('entitlement_id', id, 'product_id', product_id,
                       'starts_at', iso(lower(span)), 'ends_at', iso(upper(span))), $4, $8
  FROM voided
), told AS (
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  SELECT $1, $7, 'entitlement.voided', $2, jsonb_build_object('entitlement_id', id) FROM voided
)
SELECT CASE WHEN v.id IS NULL THEN 'already_void' END,
  (SELECT pg_notify('lyceum', 'public ' || $1)::text FROM released)  -- no longer sold out
FROM old LEFT JOIN voided v ON true
