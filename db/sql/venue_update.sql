-- Changes a venue by merge patch, if it is still at the version read (0: whatever). Whether it is
-- exclusive can't change while lectures refer to it: they were booked by it.
-- in: id uuid!, body json!, version bigint!, actor uuid!, role text!, audit_id uuid!,
--   request_id text
-- out: id uuid!, name json!, address json, time_zone text!, exclusive bool!, seats int,
--   created_at timestamptz!, archived_at timestamptz, _refusal text, _pointer text, _told text
WITH old AS MATERIALIZED (
  SELECT v.*, $3::jsonb AS j FROM venue v WHERE v.community_id = $1 AND v.id = $2
  FOR NO KEY UPDATE
), judged AS MATERIALIZED (
  SELECT *, CASE WHEN $4 NOT IN (0, version) THEN 'version_changed'
                 WHEN pointer IS NOT NULL THEN 'body_invalid'
                 WHEN (j ->> 'exclusive')::bool <> exclusive AND EXISTS (
                   SELECT FROM lecture l WHERE l.community_id = $1 AND l.venue_id = $2)
                   THEN 'state_forbids' END AS refusal
  FROM (SELECT *, CASE WHEN j ? 'time_zone' AND NOT zone_known(j ->> 'time_zone')
                       THEN '/time_zone' END AS pointer
        FROM old) AS looked_at
), done AS (
  UPDATE venue v SET
    name = v.name || coalesce(j -> 'name', '{}'),
    address = CASE WHEN NOT j ? 'address' THEN v.address::jsonb
                   WHEN j -> 'address' = 'null' THEN NULL
                   ELSE coalesce(v.address, '{}') || (j -> 'address') END,
    zone = coalesce(j ->> 'time_zone', v.zone),
    exclusive = coalesce((j ->> 'exclusive')::bool, v.exclusive),
    seats = CASE WHEN j ? 'seats' THEN (j ->> 'seats')::int ELSE v.seats END,
    archived_at = CASE (j ->> 'archived')::bool WHEN true THEN coalesce(v.archived_at, now())
                       WHEN false THEN NULL ELSE v.archived_at END,
    version = v.version + 1
  FROM judged o
  WHERE v.community_id = $1 AND v.id = o.id AND o.refusal IS NULL
  RETURNING v.*
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, request_id)
  SELECT $1, $7, $5, $6, 'venue.change', 'venue', d.id, (
      SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(to_jsonb(o) - 'j') AS f
      WHERE o.j ? f.key), o.j, $8
  FROM done d JOIN judged o USING (id)
)
SELECT o.id, d.name::json, d.address::json, d.zone, d.exclusive, d.seats, d.created_at,
  d.archived_at, o.refusal, CASE WHEN o.refusal = 'body_invalid' THEN o.pointer END,
  CASE WHEN d.id IS NOT NULL THEN pg_notify('lyceum', 'public ' || $1)::text END
FROM judged o LEFT JOIN done d ON true
