-- Settles the demo's lectures that have ended while nobody looked: who was on the roster came, was
-- late, left early, was excused or absent, as a hash of both says.
-- out: _marks bigint!
WITH ended AS MATERIALIZED (
  UPDATE lecture l SET status = 'ended', closed_at = now()
  WHERE l.community_id = $1 AND l.status = 'scheduled' AND l.closed_at IS NULL
    AND upper(l.during) <= now() AND l.start_at > now() - interval '60 days'
  RETURNING l.id, l.start_at, l.late_after, l.lecturer_id, upper(l.during) AS end_at
), drawn AS MATERIALIZED (
  SELECT e.*, r.member_id,
    ('x' || substr(md5(e.id::text || r.member_id::text), 1, 8))::bit(32)::bigint % 100 AS luck
  FROM ended e, roster($1, e.id) r
), marked AS MATERIALIZED (
  SELECT *, CASE WHEN luck < 68 THEN 'present' WHEN luck < 80 THEN 'late'
                 WHEN luck < 85 THEN 'left_early' WHEN luck < 89 THEN 'excused'
                 ELSE 'absent' END AS state
  FROM drawn
), marks AS (
  INSERT INTO attendance AS a (community_id, lecture_id, member_id, state, via, arrived_at, left_at,
    excuse, device_id, marked_by)
  SELECT $1, id, member_id, state,
    CASE state WHEN 'absent' THEN 'close' WHEN 'excused' THEN 'roster' ELSE 'code' END,
    CASE WHEN state IN ('present', 'left_early') THEN start_at - (luck % 15) * interval '1 minute'
         WHEN state = 'late' THEN start_at + (late_after + luck % 20) * interval '1 minute' END,
    CASE state WHEN 'left_early' THEN end_at - interval '25 minutes' END,
    CASE state WHEN 'excused' THEN '出差 (travelling)' END,
    CASE WHEN state IN ('present', 'late', 'left_early')
         THEN 'demo-' || substr(md5(member_id::text), 1, 12) END,
    CASE state WHEN 'excused' THEN (SELECT m.id FROM member m WHERE m.community_id = $1
                                    AND m.role = 'operator' ORDER BY m.joined_at LIMIT 1) END
  FROM marked
  ON CONFLICT (community_id, lecture_id, member_id) DO NOTHING
  RETURNING a.lecture_id, a.member_id, a.state, a.via, a.marked_by, a.arrived_at
), kept AS (
  INSERT INTO attendance_history (community_id, lecture_id, member_id, at, id, after_state, via,
                                  marked_by)
  SELECT $1, lecture_id, member_id, coalesce(arrived_at, now()), uuid7(), state, via, marked_by
  FROM marks
)
SELECT count(*) FROM marks
