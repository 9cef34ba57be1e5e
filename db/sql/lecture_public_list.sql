-- The schedule for everybody: what is published and not a course's own, by start; without `since`
-- from now on. `_until` is when a lecture on the page ends, and with it what the page says.
-- in: since timestamptz, before timestamptz, kind text, after_key timestamptz, after_id uuid,
--   page int!
-- out: id uuid!, kind text!, status text!, title json!, summary json, start_at timestamptz!,
--   end_at timestamptz!, local_start text!, time_zone text!, minutes int!, lecturer json,
--   venue json, place text, audience text!, capacity int, sequence int!, cancel_reason text,
--   published_at timestamptz, updated_at timestamptz!, _key timestamptz!, _until timestamptz
-- read
SELECT l.id, l.kind, l.status, l.title::json, l.summary::json, l.start_at, l.end_at, l.local_start,
  l.time_zone, l.minutes, l.lecturer, l.venue, l.place, l.audience, l.capacity, l.sequence,
  l.cancel_reason, l.published_at, l.updated_at, l.start_at,
  CASE WHEN l.end_at > now() THEN l.end_at END
FROM lecture_shown l
WHERE l.community_id = $1 AND l.published_at IS NOT NULL AND l.audience <> 'cohort'
  AND l.start_at > coalesce($2, now()) - interval '24 hours' AND l.end_at > coalesce($2, now())
  AND ($3::timestamptz IS NULL OR l.start_at < $3)
  AND ($4::text IS NULL OR l.kind = $4)
  AND ($5::timestamptz IS NULL OR (l.start_at, l.id) > ($5, $6))
ORDER BY l.start_at, l.id
LIMIT $7
