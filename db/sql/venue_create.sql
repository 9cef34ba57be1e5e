-- Adds a place for lectures. An exclusive one holds one lecture at a time.
-- in: id uuid!, body json!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid!, name json!, address json, time_zone text!, exclusive bool!, seats int,
--   created_at timestamptz!, archived_at timestamptz, _refusal text, _pointer text
WITH judged AS MATERIALIZED (
  SELECT j, CASE WHEN NOT zone_known(j ->> 'time_zone') THEN '/time_zone' END AS pointer
  FROM (SELECT jsonb_strip_nulls($3::jsonb) AS j) AS given
), made AS (
  INSERT INTO venue AS v (community_id, id, name, address, zone, exclusive, seats)
  SELECT $1, $2, j -> 'name', j -> 'address', j ->> 'time_zone',
    coalesce((j ->> 'exclusive')::bool, true), (j ->> 'seats')::int
  FROM judged WHERE pointer IS NULL
  RETURNING v.*
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $6, $4, $5, 'venue.create', 'venue', id, $3::jsonb, $7 FROM made
)
SELECT m.id, m.name::json, m.address::json, m.zone, m.exclusive, m.seats, m.created_at,
  m.archived_at, CASE WHEN j.pointer IS NOT NULL THEN 'body_invalid' END, j.pointer
FROM judged j LEFT JOIN made m ON true
