-- Applies a merge patch to a campaign. `ended` stops its codes at once, and lets them go on again.
-- A quota can't be below what was given out. `expected` is the version that If-Match stood for; 0
-- means any.
-- in: id uuid!, body json!, expected int!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid, _refusal text, _pointer text, _fault text
WITH old AS MATERIALIZED (
  SELECT c.*, $3::jsonb AS j FROM campaign c WHERE c.community_id = $1 AND c.id = $2
), new AS MATERIALIZED (
  SELECT old.*,
    CASE WHEN j ? 'valid_from' THEN (j ->> 'valid_from')::timestamptz ELSE valid_from END AS since,
    CASE WHEN j ? 'valid_until' THEN (j ->> 'valid_until')::timestamptz ELSE valid_until END
      AS until,
    (j ->> 'quota')::int < (
      SELECT count(*) FROM invite_code i
      WHERE i.community_id = $1 AND i.campaign_id = $2 AND i.batch_id IS NULL) + (
      SELECT coalesce(sum(b.count), 0) FROM code_batch b
      WHERE b.community_id = $1 AND b.campaign_id = $2) AS below
  FROM old
), judged AS MATERIALIZED (
  SELECT n.*, CASE WHEN $4 NOT IN (0, version) THEN 'version_changed'
                   WHEN until <= since THEN 'body_invalid'
                   WHEN below THEN 'campaign_full' END AS refusal
  FROM new n
), done AS (
  UPDATE campaign c SET
    name = coalesce(n.j ->> 'name', c.name),
    source = CASE WHEN n.j ? 'source' THEN n.j ->> 'source' ELSE c.source END,
    quota = CASE WHEN n.j ? 'quota' THEN (n.j ->> 'quota')::int ELSE c.quota END,
    valid_from = n.since, valid_until = n.until,
    once_per_member = coalesce((n.j ->> 'once_per_member')::bool, c.once_per_member),
    ended_at = CASE WHEN NOT n.j ? 'ended' THEN c.ended_at
                    WHEN (n.j ->> 'ended')::bool THEN coalesce(c.ended_at, now()) END,
    version = c.version + 1
  FROM judged n
  WHERE c.community_id = $1 AND c.id = $2 AND c.version = n.version AND n.refusal IS NULL
  RETURNING c.id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, request_id)
  SELECT $1, $7, $5, $6, 'campaign.change', 'campaign', done.id, (
      SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(to_jsonb(old)
        || jsonb_build_object('ended', ended_at IS NOT NULL)) AS f WHERE j ? f.key), j, $8
  FROM done, old
)
SELECT n.id, coalesce(refusal, CASE WHEN done.id IS NULL THEN 'version_changed' END),
  CASE refusal WHEN 'body_invalid' THEN '/valid_until' END, 'too_early'
FROM judged n LEFT JOIN done ON true
