-- What a member's rate is made of, over the same lectures as my_attendance_list.
-- in: member_id uuid!
-- out: present bigint!, late bigint!, left_early bigint!, absent bigint!, excused bigint!,
--   made_up bigint!, to_come bigint!, policy_version int!
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
), marks AS (
  SELECT a.state, l.status = 'scheduled' AND upper(l.during) > now() AS ahead
  FROM mine
  JOIN lecture l ON l.community_id = $1 AND l.id = mine.lecture_id
  LEFT JOIN attendance a ON a.community_id = $1 AND a.lecture_id = l.id AND a.member_id = $2
  WHERE l.published_at IS NOT NULL AND l.status <> 'cancelled'
)
SELECT count(*) FILTER (WHERE state = 'present'), count(*) FILTER (WHERE state = 'late'),
  count(*) FILTER (WHERE state = 'left_early'), count(*) FILTER (WHERE state = 'absent'),
  count(*) FILTER (WHERE state = 'excused'), count(*) FILTER (WHERE state = 'made_up'),
  count(*) FILTER (WHERE state IS NULL AND ahead),
  (SELECT coalesce(max(version), 1) FROM attendance_policy WHERE community_id = $1)
FROM marks
