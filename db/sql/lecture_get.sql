-- One lecture as this caller may see it. Drafts are for operators and for the lecturer whose they
-- are; a course's lectures also for who is enrolled. The way into an online room is shown to who
-- may attend. `everything` is an operator; `own_as` is the caller when a lecturer. `_shared`: it
-- is the same for whoever asks.
-- in: id uuid!, member_id uuid!, everything bool!, own_as uuid
-- out: id uuid!, kind text!, status text!, title json!, summary json, start_at timestamptz!,
--   end_at timestamptz!, local_start text!, time_zone text!, minutes int!, lecturer json,
--   venue json, place text, room_url text, audience text!, cohort_id uuid, capacity int,
--   opens_before int!, late_after int!, sequence int!, cancel_reason text,
--   published_at timestamptz, updated_at timestamptz!, _version int!, _stored_status text!,
--   _shared bool!, _until timestamptz
-- read
SELECT l.id, l.kind, l.status, l.title::json, l.summary::json, l.start_at, l.end_at, l.local_start,
  l.time_zone, l.minutes, l.lecturer, l.venue, l.place,
  CASE WHEN l.room_url IS NULL OR seen.managed OR l.audience <> 'members'
            OR EXISTS (SELECT FROM entitled($1, $3, now())) THEN l.room_url END,
  l.audience, l.cohort_id, l.capacity, l.opens_before, l.late_after, l.sequence, l.cancel_reason,
  l.published_at, l.updated_at, l.version, l.stored_status,
  l.published_at IS NOT NULL AND l.audience <> 'cohort' AND l.room_url IS NULL, l.until
FROM lecture_shown l
CROSS JOIN LATERAL (
  SELECT $4 OR (l.lecturer_member_id IS NOT DISTINCT FROM $5 AND $5 IS NOT NULL) AS managed
) AS seen
WHERE l.community_id = $1 AND l.id = $2
  AND (seen.managed OR (l.published_at IS NOT NULL AND (l.audience <> 'cohort' OR EXISTS (
    SELECT FROM enrolment e WHERE e.community_id = $1 AND e.cohort_id = l.cohort_id
      AND e.member_id = $3 AND e.withdrawn_at IS NULL))))
