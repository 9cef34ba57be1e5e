-- Applies a merge patch to a lecture, and publishes it when asked to. Runs after lecture_hold in
-- the same transaction. What is on the schedule is looked at again for double-booking; a move ends
-- an override. The refusal names the lecture that stands in the way. Who asks for what is so
-- already gets it without a change. The job that settles attendance waits for the lecture's end.
-- in: id uuid!, body json!, publish bool!, actor uuid!, role text!, everything bool!,
--   audit_id uuid!, outbox_id uuid!, job_id uuid!, request_id text
-- out: id uuid!, _refusal text, _pointer text, _blocking json, _changed bool!, _told text
WITH old AS MATERIALIZED (
  SELECT l.*, $3::jsonb AS j, s.member_id AS held_by,
    l.status = 'ended' OR (l.status = 'scheduled' AND upper(l.during) <= now()) AS over
  FROM lecture l
  LEFT JOIN lecturer s ON s.community_id = $1 AND s.id = l.lecturer_id
  WHERE l.community_id = $1 AND l.id = $2
), new AS MATERIALIZED (
  SELECT id, status AS was, over, j,
    status = 'scheduled' OR (status = 'draft' AND $4) AS published,
    $7 OR held_by = $5 AS managed,
    start_at AS old_start, start_wall AS old_wall, tz AS old_tz,
    coalesce(j ->> 'kind', kind) AS kind,
    CASE WHEN j ? 'title' THEN title || (j -> 'title') ELSE title END AS title,
    CASE WHEN NOT j ? 'summary' THEN summary::jsonb
         WHEN j -> 'summary' = 'null' THEN NULL
         ELSE coalesce(summary, '{}') || (j -> 'summary') END AS summary,
    coalesce((j ->> 'local_start')::timestamp, start_wall) AS start_wall,
    coalesce(j ->> 'time_zone', tz) AS tz,
    coalesce((j ->> 'minutes')::int, minutes) AS minutes,
    CASE WHEN j ? 'lecturer_id' THEN (j ->> 'lecturer_id')::uuid ELSE lecturer_id END
      AS lecturer_id,
    CASE WHEN j ? 'venue_id' THEN (j ->> 'venue_id')::uuid ELSE venue_id END AS venue_id,
    CASE WHEN j ? 'room_url' THEN j ->> 'room_url' ELSE room_url END AS room_url,
    CASE WHEN j ? 'place' THEN j ->> 'place' ELSE place END AS place,
    CASE WHEN j ? 'cohort_id' THEN (j ->> 'cohort_id')::uuid ELSE cohort_id END AS cohort_id,
    coalesce(j ->> 'audience', audience) AS audience,
    CASE WHEN j ? 'capacity' THEN (j ->> 'capacity')::int ELSE capacity END AS capacity,
    coalesce((j ->> 'opens_before')::int, opens_before) AS opens_before,
    coalesce((j ->> 'late_after')::int, late_after) AS late_after,
    override_by, override_reason,
    held_by
  FROM old
), timed AS MATERIALIZED (
  SELECT n.*, v.exclusive, t.start_at,
    t.start_at <> n.old_start OR n.minutes <> o.minutes
      OR n.lecturer_id IS DISTINCT FROM o.lecturer_id
      OR n.venue_id IS DISTINCT FROM o.venue_id AS moved,
    CASE
      WHEN n.tz <> n.old_tz AND NOT zone_known(n.tz) THEN '/time_zone'
      WHEN n.lecturer_id IS DISTINCT FROM o.lecturer_id AND n.lecturer_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM lecturer s WHERE s.community_id = $1 AND s.id = n.lecturer_id
                        AND s.archived_at IS NULL) THEN '/lecturer_id'
      WHEN n.venue_id IS NOT NULL AND v.id IS NULL THEN '/venue_id'
      WHEN n.cohort_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM cohort c WHERE c.community_id = $1 AND c.id = n.cohort_id) THEN '/cohort_id'
      WHEN n.audience = 'cohort' AND n.cohort_id IS NULL THEN '/cohort_id'
    END AS pointer
  FROM new n JOIN old o USING (id)
  CROSS JOIN LATERAL (
    SELECT CASE WHEN n.start_wall = n.old_wall AND n.tz = n.old_tz THEN n.old_start
                WHEN n.tz = n.old_tz OR zone_known(n.tz) THEN wall_instant(n.start_wall, n.tz) END
      AS start_at) AS t
  LEFT JOIN venue v ON v.community_id = $1 AND v.id = n.venue_id
    AND (v.archived_at IS NULL OR v.id = o.venue_id)
), let AS MATERIALIZED (
  SELECT t.*,
    CASE WHEN j ->> 'override_reason' IS NOT NULL THEN $5
         WHEN j ? 'override_reason' OR moved THEN NULL ELSE override_by END AS let_by,
    CASE WHEN j ->> 'override_reason' IS NOT NULL THEN j ->> 'override_reason'
         WHEN j ? 'override_reason' OR moved THEN NULL ELSE override_reason END AS let_why
  FROM timed t
), blocked AS MATERIALIZED (
  SELECT CASE WHEN o.lecturer_id = t.lecturer_id THEN 'lecturer_busy' ELSE 'venue_busy' END AS why,
    json_build_object('id', o.id, 'title', o.title, 'start_at', iso(o.start_at),
                      'end_at', iso(upper(o.during))) AS what
  FROM let t JOIN lecture o ON o.community_id = $1 AND o.id <> t.id
    AND o.start_at > t.start_at - interval '24 hours'
    AND o.start_at < t.start_at + make_interval(mins => t.minutes)
    AND o.during && lecture_during(t.start_at, t.minutes)
    AND o.status IN ('scheduled', 'ended') AND o.override_by IS NULL
    AND (o.lecturer_id = t.lecturer_id OR (o.venue_id = t.venue_id AND o.venue_exclusive))
  WHERE t.published AND t.let_by IS NULL AND t.pointer IS NULL
  ORDER BY o.lecturer_id IS DISTINCT FROM t.lecturer_id, o.start_at
  LIMIT 1
), judged AS MATERIALIZED (
  SELECT t.*, b.what AS blocking,
    NOT ($4 AND was = 'scheduled') AND (j <> '{}' OR $4) AS changes,
    CASE
      WHEN NOT managed IS TRUE THEN CASE WHEN was = 'draft' THEN 'not_found' ELSE 'not_allowed' END
      WHEN NOT $7 AND (j ? 'override_reason' OR (j ? 'lecturer_id' AND NOT EXISTS (
        SELECT FROM lecturer s WHERE s.community_id = $1 AND s.id = t.lecturer_id
          AND s.member_id = $5))) THEN 'not_allowed'
      WHEN was = 'cancelled' THEN 'state_forbids'
      WHEN over AND ($4 OR j - ARRAY['title', 'summary', 'room_url', 'place'] <> '{}')
        THEN 'too_late'
      WHEN pointer IS NOT NULL THEN 'body_invalid'
      WHEN was = 'scheduled' AND start_at <> old_start AND old_start <= now() THEN 'too_late'
      WHEN published AND (was = 'draft' OR start_at <> old_start)
        AND start_at + make_interval(mins => minutes) <= now() THEN 'too_late'
      ELSE b.why
    END AS refusal
  FROM let t LEFT JOIN blocked b ON true
), done AS (
  UPDATE lecture l SET
    kind = t.kind, title = t.title, summary = t.summary, start_wall = t.start_wall, tz = t.tz,
    start_at = t.start_at, minutes = t.minutes, lecturer_id = t.lecturer_id,
    venue_id = t.venue_id, venue_exclusive = t.exclusive, room_url = t.room_url, place = t.place,
    cohort_id = t.cohort_id, audience = t.audience, capacity = t.capacity,
    opens_before = t.opens_before, late_after = t.late_after,
    override_by = t.let_by, override_reason = t.let_why,
    status = CASE WHEN t.was = 'draft' AND $4 THEN 'scheduled' ELSE l.status END,
    published_at = CASE WHEN t.was = 'draft' AND $4 THEN now() ELSE l.published_at END,
    sequence = l.sequence + (t.was <> 'draft')::int, version = l.version + 1, updated_at = now()
  FROM judged t
  WHERE l.community_id = $1 AND l.id = t.id AND t.refusal IS NULL AND t.changes
  RETURNING l.id, l.status, l.sequence, upper(l.during) AS end_at
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, reason, request_id)
  SELECT $1, $8, $5, $6, CASE WHEN $4 THEN 'lecture.publish' ELSE 'lecture.change' END, 'lecture',
    done.id, (
      SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(jsonb_build_object(
        'kind', o.kind, 'title', o.title, 'summary', o.summary, 'local_start', o.start_wall,
        'time_zone', o.tz, 'minutes', o.minutes, 'lecturer_id', o.lecturer_id,
        'venue_id', o.venue_id, 'room_url', o.room_url, 'place', o.place,
        'cohort_id', o.cohort_id, 'audience', o.audience, 'capacity', o.capacity,
        'opens_before', o.opens_before, 'late_after', o.late_after)) AS f
      WHERE o.j ? f.key),
    o.j, o.j ->> 'override_reason', $11
  FROM done JOIN old o USING (id)
), out AS (
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  SELECT $1, $9, CASE WHEN $4 THEN 'lecture.published' ELSE 'lecture.changed' END, id,
    jsonb_build_object('sequence', sequence)
  FROM done WHERE status <> 'draft'
), settling AS (
  INSERT INTO job AS w (community_id, id, kind, unique_key, args, run_at)
  SELECT $1, $10, 'close_lecture', id::text, jsonb_build_object('lecture_id', id), end_at
  FROM done WHERE status = 'scheduled'
  ON CONFLICT (community_id, kind, unique_key) WHERE unique_key IS NOT NULL AND finished_at IS NULL
  DO UPDATE SET run_at = excluded.run_at WHERE w.state = 'queued'
)
SELECT t.id, t.refusal, CASE WHEN t.refusal = 'body_invalid' THEN t.pointer END,
  CASE WHEN t.refusal IN ('lecturer_busy', 'venue_busy') THEN t.blocking END,
  done.id IS NOT NULL,
  CASE WHEN done.status <> 'draft' THEN pg_notify('lyceum', 'public ' || $1)::text END
FROM judged t LEFT JOIN done ON true
