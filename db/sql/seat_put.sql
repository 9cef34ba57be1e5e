-- Gives a seat to a member of the community, or takes it back (no member). What is left of it goes
-- along.
-- in: owner_id uuid, id uuid!, member_id uuid, actor uuid!, role text!, audit_id uuid!,
--   request_id text
-- out: id uuid!, _refusal text, _pointer text, _fault text
WITH found AS MATERIALIZED (
  SELECT s.id, s.order_line_id, s.unit, s.member_id, $4::uuid IS NOT NULL AND NOT EXISTS (
      SELECT FROM member m WHERE m.community_id = $1 AND m.id = $4 AND m.left_at IS NULL)
    AS stranger
  FROM group_seat s
  WHERE s.community_id = $1 AND ($2::uuid IS NULL OR s.owner_id = $2) AND s.id = $3
), done AS MATERIALIZED (
  SELECT f.*, CASE WHEN stranger THEN 'body_invalid'
    ELSE seat_assign($1, f.order_line_id, f.unit, $4, now()) END AS refusal
  FROM found f
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, request_id)
  SELECT $1, $7, $5, $6, 'seat.assign', 'seat', id, jsonb_build_object('member_id', member_id),
    jsonb_build_object('member_id', $4::uuid), $8
  FROM done WHERE refusal IS NULL AND member_id IS DISTINCT FROM $4
)
SELECT id, refusal, CASE WHEN stranger THEN '/member_id' END,
  CASE WHEN stranger THEN 'unknown' END
FROM done
