-- The schedule as this caller may see it, by start. Without `since` from now on: what still runs is
-- part of it, and since no lecture takes more than a day, the index finds it by its start.
-- in: member_id uuid!, everything bool!, own_as uuid, since timestamptz, before timestamptz,
--   kind text, status text, lecturer_id uuid, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, kind text!, status text!, title json!, summary json, start_at timestamptz!,
--   end_at timestamptz!, local_start text!, time_zone text!, minutes int!, lecturer json,
--   venue json, place text, audience text!, cohort_id uuid, capacity int, opens_before int!,
--   late_after int!, sequence int!, cancel_reason text, published_at timestamptz,
--   updated_at timestamptz!, _key timestamptz!
-- read
SELECT l.id, l.kind, l.status, l.title::json, l.summary::json, l.start_at, l.end_at, l.local_start,
  l.time_zone, l.minutes, l.lecturer, l.venue, l.place, l.audience, l.cohort_id, l.capacity,
  l.opens_before, l.late_after, l.sequence, l.cancel_reason, l.published_at, l.updated_at,
  l.start_at
FROM lecture_shown l
WHERE l.community_id = $1
  AND l.start_at > coalesce($5, now()) - interval '24 hours' AND l.end_at > coalesce($5, now())
  AND ($6::timestamptz IS NULL OR l.start_at < $6)
  AND ($7::text IS NULL OR l.kind = $7)
  AND ($8::text IS NULL OR l.status = $8)
  AND ($9::uuid IS NULL OR l.lecturer_id = $9)
  AND ($3 OR l.lecturer_member_id = $4
       OR (l.published_at IS NOT NULL AND (l.audience <> 'cohort' OR EXISTS (
         SELECT FROM enrolment e WHERE e.community_id = $1 AND e.cohort_id = l.cohort_id
           AND e.member_id = $2 AND e.withdrawn_at IS NULL))))
  AND ($10::timestamptz IS NULL OR (l.start_at, l.id) > ($10, $11))
ORDER BY l.start_at, l.id
LIMIT $12
