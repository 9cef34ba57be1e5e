-- A mark made by a person: it stands over whatever a machine marks, and each change is kept in the
-- history. Times that were not given follow from the lecture. The reason goes to the audit log.
-- in: lecture_id uuid!, member_id uuid!, body json!, actor uuid!, role text!, history_id uuid!,
--   audit_id uuid!, request_id text
-- out: lecture_id uuid!, member_id uuid!, state text, via text, arrived_at timestamptz,
--   left_at timestamptz, minutes int, excuse text, made_up_by uuid, marked_by uuid,
--   _refusal text, _pointer text, _opens_at timestamptz!
WITH asked AS MATERIALIZED (
  SELECT $4::jsonb AS j, $4::jsonb ->> 'state' AS state, l.status, l.start_at,
    upper(l.during) AS end_at, l.start_at - make_interval(mins => l.opens_before) AS opens_at,
    l.start_at + make_interval(mins => l.late_after) AS late_at,
    m.id AS member, a.state AS had, a.arrived_at AS had_arrived, a.left_at AS had_left,
    a.via AS had_via, a.device_id AS had_device
  FROM lecture l
  LEFT JOIN member m ON m.community_id = $1 AND m.id = $3
  LEFT JOIN attendance a ON a.community_id = $1 AND a.lecture_id = $2 AND a.member_id = $3
  WHERE l.community_id = $1 AND l.id = $2
), new AS MATERIALIZED (
  SELECT *, state IN ('present', 'late', 'left_early') AS came,
    CASE WHEN state IN ('present', 'late', 'left_early') THEN coalesce(
      (j ->> 'arrived_at')::timestamptz, had_arrived,
      least(now(), CASE WHEN state = 'late' THEN late_at ELSE start_at END)) END AS arrived,
    CASE WHEN state = 'left_early' THEN coalesce(
           (j ->> 'left_at')::timestamptz, had_left, least(now(), end_at))
         WHEN state IN ('present', 'late') THEN (j ->> 'left_at')::timestamptz END AS gone,
    CASE WHEN state = 'excused' THEN j ->> 'excuse' END AS excuse,
    CASE WHEN state = 'made_up' THEN (j ->> 'made_up_by')::uuid END AS made_up_by
  FROM asked
), pointed AS MATERIALIZED (
  SELECT *, CASE
    WHEN state = 'excused' AND coalesce(excuse, '') = '' THEN '/excuse'
    WHEN came AND (arrived < opens_at OR arrived > end_at OR arrived > now()) THEN '/arrived_at'
    WHEN gone < arrived OR gone > now() THEN '/left_at'
    WHEN state = 'made_up' AND (made_up_by = $2 OR NOT EXISTS (
      SELECT FROM attendance o WHERE o.community_id = $1 AND o.lecture_id = n.made_up_by
        AND o.member_id = $3 AND o.came)) THEN '/made_up_by'
    WHEN state = 'made_up' AND EXISTS (
      SELECT FROM attendance o WHERE o.community_id = $1 AND o.member_id = $3
        AND o.made_up_by = n.made_up_by AND o.lecture_id <> $2) THEN '/made_up_by'
    END AS pointer
  FROM new n
), judged AS MATERIALIZED (
  SELECT *, CASE
    WHEN status = 'draft' OR member IS NULL THEN 'not_found'
    WHEN status = 'cancelled' THEN 'state_forbids'
    WHEN state <> 'excused' AND now() < opens_at THEN 'too_early'
    WHEN state IN ('absent', 'excused', 'made_up') AND had IS NULL
      AND NOT EXISTS (SELECT FROM roster($1, $2) r WHERE r.member_id = $3) THEN 'not_on_roster'
    WHEN pointer IS NOT NULL THEN 'body_invalid' END AS refusal
  FROM pointed
), put AS (
  INSERT INTO attendance AS a (community_id, lecture_id, member_id, state, via, arrived_at, left_at,
                               excuse, made_up_by, marked_by)
  SELECT $1, $2, $3, state, 'roster', arrived, gone, excuse, made_up_by, $5
  FROM judged WHERE refusal IS NULL
  ON CONFLICT (community_id, lecture_id, member_id) DO UPDATE SET
    state = excluded.state, via = 'roster', arrived_at = excluded.arrived_at,
    left_at = excluded.left_at, excuse = excluded.excuse, made_up_by = excluded.made_up_by,
    marked_by = excluded.marked_by, updated_at = now(), version = a.version + 1
  RETURNING a.*
), kept AS (
  INSERT INTO attendance_history
    (community_id, lecture_id, member_id, at, id, before_state, after_state, via, marked_by, detail)
  SELECT $1, $2, $3, now(), $7, j.had, put.state, 'roster', $5, jsonb_strip_nulls(
    jsonb_build_object('arrived_at', iso(put.arrived_at), 'left_at', iso(put.left_at),
                       'made_up_by', put.made_up_by, 'was', CASE WHEN j.had IS NOT NULL THEN
      jsonb_build_object('via', j.had_via, 'arrived_at', iso(j.had_arrived),
                         'left_at', iso(j.had_left), 'device_id', j.had_device) END))
  FROM put, judged j
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, reason, request_id)
  SELECT $1, $8, $5, $6, 'attendance.mark', 'member', $3,
    jsonb_build_object('lecture_id', $2, 'state', j.had),
    jsonb_build_object('lecture_id', $2, 'state', put.state), j.j ->> 'reason', $9
  FROM put, judged j
)
SELECT $2, $3, put.state, put.via, put.arrived_at, put.left_at, put.minutes, put.excuse,
  put.made_up_by, put.marked_by, j.refusal,
  CASE WHEN j.refusal = 'body_invalid' THEN j.pointer END, j.opens_at
FROM judged j LEFT JOIN put ON true
