-- A lecture as the API shows it, in one place for all statements that read one.
--
-- Its status is derived: what was scheduled has ended once its end has passed, whether or not the
-- job that settles attendance has come by. local_start is told from the instant, so it is right in
-- the spring gap, too, where the wall time that was asked for does not exist.
CREATE VIEW lecture_shown AS
SELECT l.community_id, l.id, l.kind,
  CASE WHEN l.status = 'scheduled' AND upper(l.during) <= now() THEN 'ended'
       ELSE l.status END AS status,
  l.title::jsonb AS title, l.summary::jsonb AS summary, l.start_at, upper(l.during) AS end_at,
  to_char(l.start_at AT TIME ZONE l.tz, 'YYYY-MM-DD"T"HH24:MI') AS local_start,
  l.tz AS time_zone, l.minutes,
  CASE WHEN s.id IS NOT NULL
       THEN json_build_object('id', s.id, 'slug', s.slug, 'name', s.name) END AS lecturer,
  CASE WHEN v.id IS NOT NULL
       THEN json_build_object('id', v.id, 'name', v.name, 'address', v.address) END AS venue,
  l.place, l.room_url, l.audience, l.cohort_id, l.capacity, l.opens_before, l.late_after,
  l.sequence, l.cancel_reason, l.published_at, l.updated_at, l.version,
  l.status AS stored_status, l.lecturer_id, l.venue_id, s.member_id AS lecturer_member_id,
  -- Until when the derived status holds.
  CASE WHEN l.status = 'scheduled' AND upper(l.during) > now() THEN upper(l.during) END AS until
FROM lecture l
LEFT JOIN lecturer s ON s.community_id = l.community_id AND s.id = l.lecturer_id
LEFT JOIN venue v ON v.community_id = l.community_id AND v.id = l.venue_id;

GRANT SELECT ON lecture_shown TO lyceum_server;
