-- Changes how a community sells. An order keeps the date on which it expires; all else follows the
-- policy of the day. `expected` is the version that was seen; -1 means any.
-- in: body json!, expected int!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: order_minutes int, hand_days int, renewal_days int, notice_days int, dunning_days json,
--   pause_days int, gift_days int, winback_percent int, winback_days int, quiet_from int,
--   quiet_until int, version int, _refusal text, _pointer text, _fault text
WITH old AS MATERIALIZED (
  SELECT p.* FROM policy_of($1) p
), wanted AS MATERIALIZED (
  SELECT w.*, old.version + 1 AS next,
    (SELECT array_agg(d::int ORDER BY n) FROM jsonb_array_elements_text(w.dunning_days)
       WITH ORDINALITY AS t (d, n)) AS ladder
  FROM old CROSS JOIN LATERAL jsonb_to_record(to_jsonb(old) || $2::jsonb) AS w (
    order_minutes int, hand_days int, renewal_days int, notice_days int, dunning_days jsonb,
    pause_days int, gift_days int, winback_percent int, winback_days int, quiet_from int,
    quiet_until int)
), judged AS MATERIALIZED (
  SELECT w.*, CASE WHEN $3 >= 0 AND $3 <> w.next - 1 THEN 'version_changed'
                   WHEN w.renewal_days < w.notice_days THEN 'body_invalid' END AS refusal
  FROM wanted w
), done AS (
  INSERT INTO selling_policy AS p (community_id, order_minutes, hand_days, renewal_days,
    notice_days, dunning_days, pause_days, gift_days, winback_percent, winback_days, quiet_from,
    quiet_until, version)
  SELECT $1, order_minutes, hand_days, renewal_days, notice_days, ladder, pause_days, gift_days,
    winback_percent, winback_days, quiet_from, quiet_until, next
  FROM judged WHERE refusal IS NULL
  ON CONFLICT (community_id) DO UPDATE SET order_minutes = excluded.order_minutes,
    hand_days = excluded.hand_days, renewal_days = excluded.renewal_days,
    notice_days = excluded.notice_days, dunning_days = excluded.dunning_days,
    pause_days = excluded.pause_days, gift_days = excluded.gift_days,
    winback_percent = excluded.winback_percent, winback_days = excluded.winback_days,
    quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until,
    version = excluded.version
  WHERE p.version = excluded.version - 1
  RETURNING p.*
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, before,
                         after, request_id)
  SELECT $1, $6, $4, $5, 'selling_policy.change', 'selling_policy', (
      SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(to_jsonb(old)) f
      WHERE $2::jsonb ? f.key), $2::jsonb, $7
  FROM old WHERE EXISTS (SELECT FROM done)
)
SELECT d.order_minutes, d.hand_days, d.renewal_days, d.notice_days, to_json(d.dunning_days),
  d.pause_days, d.gift_days, d.winback_percent, d.winback_days, d.quiet_from, d.quiet_until,
  d.version, coalesce(j.refusal, CASE WHEN d.version IS NULL THEN 'version_changed' END),
  CASE j.refusal WHEN 'body_invalid' THEN '/renewal_days' END,
  CASE j.refusal WHEN 'body_invalid' THEN 'too_little' END
FROM judged j LEFT JOIN done d ON true
