-- The lectures that concern a member, newest first, and how each counts: those with a mark, those
-- of the member's courses, those with a confirmed RSVP.
-- in: member_id uuid!, after_key timestamptz, after_id uuid, page int!
-- out: lecture_id uuid!, title json!, start_at timestamptz!, local_start text!, time_zone text!,
--   lecture_status text!, state text, arrived_at timestamptz, excuse text, made_up_by uuid,
--   counts text!, reason text!, _id uuid!, _key timestamptz!
-- read
WITH mine AS (
  SELECT lecture_id FROM attendance WHERE community_id = $1 AND member_id = $2
  UNION
  SELECT l.id FROM enrolment e
  JOIN lecture l ON l.community_id = $1 AND l.cohort_id = e.cohort_id
  WHERE e.community_id = $1 AND e.member_id = $2 AND e.enrolled_at <= l.start_at
    AND (e.withdrawn_at IS NULL OR e.withdrawn_at > l.start_at)
  UNION
  SELECT lecture_id FROM rsvp
  WHERE community_id = $1 AND member_id = $2 AND state = 'confirmed'
)
SELECT l.id, l.title::json, l.start_at, l.local_start, l.time_zone, l.status, a.state,
  a.arrived_at, a.excuse, a.made_up_by,
  CASE WHEN l.status = 'cancelled' OR a.state = 'excused' THEN 'not_counted'
       WHEN a.came OR a.state = 'made_up' THEN 'attended'
       WHEN a.state = 'absent' THEN 'missed'
       WHEN l.status = 'scheduled' THEN 'to_come'
       ELSE 'not_counted' END,
  CASE WHEN l.status = 'cancelled' THEN 'cancelled'
       WHEN a.state IS NOT NULL THEN a.state
       WHEN l.status = 'scheduled' THEN 'to_come'
       ELSE 'not_marked' END,
  l.id, l.start_at
FROM mine
JOIN lecture_shown l ON l.community_id = $1 AND l.id = mine.lecture_id
LEFT JOIN attendance a ON a.community_id = $1 AND a.lecture_id = l.id AND a.member_id = $2
WHERE l.published_at IS NOT NULL
  AND ($3::timestamptz IS NULL OR (l.start_at, l.id) < ($3, $4))
ORDER BY l.start_at DESC, l.id DESC
LIMIT $5
