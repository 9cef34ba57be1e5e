-- Makes a draft. A lecturer makes their own; an operator says whose. A draft holds nobody's time:
-- double-booking is looked at when it is published.
-- in: id uuid!, body json!, actor uuid!, role text!, everything bool!, audit_id uuid!,
--   request_id text
-- out: id uuid!, _refusal text, _pointer text
WITH given AS MATERIALIZED (
  SELECT jsonb_strip_nulls($3::jsonb) AS j
), own AS (
  SELECT id FROM lecturer
  WHERE community_id = $1 AND member_id = $4 AND archived_at IS NULL AND NOT $6
), judged AS MATERIALIZED (
  SELECT j, v.exclusive,
    CASE WHEN $6 THEN (j ->> 'lecturer_id')::uuid ELSE own.id END AS lecturer_id,
    NOT $6 AND (own.id IS NULL
      OR coalesce((j ->> 'lecturer_id')::uuid, own.id) <> own.id) AS others,
    CASE
      WHEN NOT zone_known(j ->> 'time_zone') THEN '/time_zone'
      WHEN j ? 'lecturer_id' AND s.id IS NULL THEN '/lecturer_id'
      WHEN j ? 'venue_id' AND v.id IS NULL THEN '/venue_id'
      WHEN j ? 'cohort_id' AND c.id IS NULL THEN '/cohort_id'
      WHEN j ->> 'audience' = 'cohort' AND c.id IS NULL THEN '/cohort_id'
    END AS pointer
  FROM given LEFT JOIN own ON true
  LEFT JOIN lecturer s ON s.community_id = $1 AND s.id = (j ->> 'lecturer_id')::uuid
    AND s.archived_at IS NULL
  LEFT JOIN venue v ON v.community_id = $1 AND v.id = (j ->> 'venue_id')::uuid
    AND v.archived_at IS NULL
  LEFT JOIN cohort c ON c.community_id = $1 AND c.id = (j ->> 'cohort_id')::uuid
    AND c.archived_at IS NULL
), made AS (
  INSERT INTO lecture (community_id, id, kind, title, summary, start_wall, tz, start_at, minutes,
    lecturer_id, venue_id, venue_exclusive, room_url, place, cohort_id, audience, capacity,
    opens_before, late_after, created_by)
  SELECT $1, $2, coalesce(j ->> 'kind', 'talk'), j -> 'title', j -> 'summary',
    (j ->> 'local_start')::timestamp, j ->> 'time_zone',
    wall_instant((j ->> 'local_start')::timestamp, j ->> 'time_zone'), (j ->> 'minutes')::int,
    lecturer_id, (j ->> 'venue_id')::uuid, exclusive, j ->> 'room_url', j ->> 'place',
    (j ->> 'cohort_id')::uuid, coalesce(j ->> 'audience', 'members'), (j ->> 'capacity')::int,
    coalesce((j ->> 'opens_before')::int, 30), coalesce((j ->> 'late_after')::int, 10), $4
  FROM judged WHERE NOT others AND pointer IS NULL
  RETURNING id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $7, $4, $5, 'lecture.create', 'lecture', made.id, $3::jsonb, $8 FROM made
)
SELECT $2, CASE WHEN others THEN 'not_allowed' WHEN pointer IS NOT NULL THEN 'body_invalid' END,
  CASE WHEN NOT others THEN pointer END
FROM judged
