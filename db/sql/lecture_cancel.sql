-- Cancels a lecture, with a reason that everybody may read. Asked again it stays as it is.
-- in: id uuid!, reason text!, actor uuid!, role text!, everything bool!, audit_id uuid!,
--   outbox_id uuid!, request_id text
-- out: id uuid!, _refusal text, _told text
WITH judged AS MATERIALIZED (
  SELECT l.id, l.status,
    CASE
      WHEN ($6 OR s.member_id = $4) IS NOT TRUE
        THEN CASE WHEN l.status = 'draft' THEN 'not_found' ELSE 'not_allowed' END
      WHEN l.status = 'ended' OR (l.status = 'scheduled' AND upper(l.during) <= now())
        THEN 'too_late'
    END AS refusal
  FROM lecture l
  LEFT JOIN lecturer s ON s.community_id = $1 AND s.id = l.lecturer_id
  WHERE l.community_id = $1 AND l.id = $2
), done AS (
  UPDATE lecture l SET status = 'cancelled', cancelled_at = now(), cancel_reason = $3,
    sequence = l.sequence + 1, version = l.version + 1, updated_at = now()
  FROM judged j
  WHERE l.community_id = $1 AND l.id = j.id AND j.refusal IS NULL AND l.status <> 'cancelled'
  RETURNING l.id, l.sequence, l.published_at
), unpaid AS (  -- nobody pays for it any more
  SELECT count(order_close($1, o.id, 'cancelled')) AS closed
  FROM done JOIN order_line t ON t.community_id = $1 AND t.lecture_id = done.id
  JOIN orders o ON o.community_id = $1 AND o.id = t.order_id AND o.closed_at IS NULL
    AND o.settled_at IS NULL
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, reason, request_id)
  SELECT $1, $7, $4, $5, 'lecture.cancel', 'lecture', j.id,
    jsonb_build_object('status', j.status), '{"status": "cancelled"}', $3, $9
  FROM done JOIN judged j USING (id)
), out AS (
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  SELECT $1, $8, 'lecture.cancelled', id, jsonb_build_object('sequence', sequence, 'reason', $3)
  FROM done WHERE published_at IS NOT NULL
)
SELECT j.id, j.refusal,
  CASE WHEN done.id IS NOT NULL THEN pg_notify('lyceum', 'public ' || $1)::text END
FROM judged j LEFT JOIN done ON true CROSS JOIN unpaid
