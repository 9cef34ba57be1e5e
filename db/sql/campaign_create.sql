-- Makes a campaign.
-- in: id uuid!, body json!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid, _refusal text, _pointer text, _fault text
WITH given AS MATERIALIZED (
  SELECT j, (j ->> 'valid_from')::timestamptz AS since, (j ->> 'valid_until')::timestamptz AS until
  FROM jsonb_strip_nulls($3::jsonb) AS j
), made AS (
  INSERT INTO campaign (community_id, id, name, source, quota, valid_from, valid_until,
                        once_per_member, created_by)
  SELECT $1, $2, j ->> 'name', j ->> 'source', (j ->> 'quota')::int, since, until,
    coalesce((j ->> 'once_per_member')::bool, false), $4
  FROM given WHERE NOT coalesce(until <= since, false)
  RETURNING id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $6, $4, $5, 'campaign.create', 'campaign', made.id, j, $7 FROM made, given
)
SELECT made.id, CASE WHEN made.id IS NULL THEN 'body_invalid' END,
  '/valid_until', 'too_early'
FROM given LEFT JOIN made ON true
