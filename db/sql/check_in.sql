-- Marks members as come, many at once: the code was verified before, here the lecture, its time and
-- the membership decide. The first mark stays and is answered again; a mark that a person made is
-- never written over. `_twice` means ask again: the same member stands in this batch twice, or
-- another process was quicker. Rows are looked up one by one (LIMIT 1), so that no plan made while
-- a table was small ever joins the whole of it; an earlier mark is only looked for when none was
-- made.
-- A first mark needs no row of history: the mark itself says when and how, and whoever changes it
-- keeps what it was (attendance_put.sql).
-- in: lecture_id uuid!, member_id uuid!, device_id text!
-- out: ord int!, lecture_id uuid!, member_id uuid!, state text, arrived_at timestamptz,
--   _refusal text, _created bool!, _twice bool!, _opens_at timestamptz
-- many
WITH asked AS MATERIALIZED (
  SELECT a.*, row_number() OVER (PARTITION BY a.lecture_id, a.member_id ORDER BY a.ord) = 1 AS first
  FROM unnest($2::uuid[], $3::uuid[], $4::text[])
       WITH ORDINALITY AS a (lecture_id, member_id, device_id, ord)
), hall AS MATERIALIZED ( -- a rush is about one lecture: looked up once, not for each member
  SELECT l.* FROM (SELECT DISTINCT lecture_id FROM asked) AS d
  CROSS JOIN LATERAL (
    SELECT d.lecture_id, status, audience, cohort_id, upper(during) AS end_at,
           start_at - make_interval(mins => opens_before) AS opens_at,
           start_at + make_interval(mins => late_after) AS late_at
    FROM lecture WHERE community_id = $1 AND id = d.lecture_id LIMIT 1
  ) AS l
), judged AS MATERIALIZED (
  SELECT a.*, l.opens_at, CASE WHEN now() < l.late_at THEN 'present' ELSE 'late' END AS mark,
    CASE
      WHEN l.status IS NULL OR l.status = 'draft' THEN 'not_found'
      WHEN l.status = 'cancelled' THEN 'state_forbids'
      WHEN now() < l.opens_at THEN 'too_early'
      WHEN now() >= l.end_at OR l.status = 'ended' THEN 'too_late'
      WHEN m.state IS NULL THEN 'not_found'
      WHEN m.state = 'banned' THEN 'member_banned'
      WHEN m.state = 'suspended' AND (m.state_until IS NULL OR m.state_until > now())
        THEN 'member_suspended'
      WHEN l.audience = 'cohort' AND NOT EXISTS (
        SELECT FROM enrolment e WHERE e.community_id = $1 AND e.cohort_id = l.cohort_id
          AND e.member_id = a.member_id AND e.withdrawn_at IS NULL) THEN 'not_on_roster'
      WHEN l.audience = 'members' AND NOT EXISTS (
        SELECT FROM entitled($1, a.member_id, now())) THEN 'membership_required'
    END AS refusal
  FROM asked a
  LEFT JOIN hall l USING (lecture_id)
  LEFT JOIN LATERAL (
    SELECT state, state_until FROM member
    WHERE community_id = $1 AND id = a.member_id AND left_at IS NULL LIMIT 1
  ) AS m ON true
), made AS (
  INSERT INTO attendance AS t
    (community_id, lecture_id, member_id, state, via, arrived_at, device_id)
  SELECT $1, lecture_id, member_id, mark, 'code', now(), device_id
  FROM judged WHERE first AND refusal IS NULL
  ON CONFLICT (community_id, lecture_id, member_id) DO NOTHING
  RETURNING t.lecture_id, t.member_id, t.state, t.arrived_at
)
SELECT j.ord::int, j.lecture_id, j.member_id, coalesce(made.state, had.state),
  coalesce(made.arrived_at, had.arrived_at),
  CASE WHEN made.state IS NOT NULL OR had.came THEN NULL
       WHEN j.refusal IS NULL AND had.state IS NOT NULL THEN 'mark_kept'
       ELSE j.refusal END,
  made.state IS NOT NULL, made.state IS NULL AND had.state IS NULL AND j.refusal IS NULL,
  j.opens_at
FROM judged j
LEFT JOIN made ON j.first AND made.lecture_id = j.lecture_id AND made.member_id = j.member_id
LEFT JOIN LATERAL (
  SELECT t.state, t.arrived_at, t.came FROM attendance t
  WHERE made.state IS NULL
    AND t.community_id = $1 AND t.lecture_id = j.lecture_id AND t.member_id = j.member_id LIMIT 1
) AS had ON true
