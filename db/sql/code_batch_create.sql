-- Orders a batch of machine-made codes: the batch, and the job of the same id that mints it.
-- body: {count, plan: slug or id, effect: days (if not given) | trial | discount, days, percent,
-- discount_minor, max_uses: 1 if not given, campaign: id, valid_from, valid_until}
-- in: id uuid!, audit_id uuid!, created_by uuid, role text, via text!, request_id text, body json!
-- out: id uuid, kind text, state text, total bigint, done bigint, failed bigint,
--   created_at timestamptz, _refusal text, _detail text
WITH asked AS MATERIALIZED (
  SELECT b, coalesce(b ->> 'effect', 'days') AS effect,
    (b ->> 'valid_from')::timestamptz AS valid_from,
    (b ->> 'valid_until')::timestamptz AS valid_until
  FROM (SELECT $8::jsonb AS b) AS body
), chosen AS MATERIALIZED (
  SELECT p.id, p.product_id, p.retired_at
  FROM plan p, asked
  WHERE p.community_id = $1 AND (p.slug = b ->> 'plan' OR p.id::text = b ->> 'plan')
  ORDER BY p.retired_at NULLS FIRST, p.version DESC LIMIT 1
), named AS MATERIALIZED (
  SELECT c.id FROM campaign c, asked
  WHERE c.community_id = $1 AND c.id = (b ->> 'campaign')::uuid AND c.ended_at IS NULL
), verdict AS MATERIALIZED (
  SELECT CASE
    WHEN NOT EXISTS (SELECT FROM chosen) THEN 'not_found plan'
    WHEN (SELECT retired_at FROM chosen) <= now() THEN 'plan_retired plan'
    WHEN b ->> 'campaign' IS NOT NULL AND NOT EXISTS (SELECT FROM named) THEN 'not_found campaign'
    WHEN valid_until <= greatest(now(), valid_from) THEN 'body_invalid valid_until'
    WHEN effect = 'discount' AND (b ->> 'days' IS NOT NULL
         OR num_nonnulls(b ->> 'percent', b ->> 'discount_minor') <> 1)
      THEN 'body_invalid percent'
    WHEN effect <> 'discount' AND (b ->> 'days' IS NULL
         OR num_nonnulls(b ->> 'percent', b ->> 'discount_minor') <> 0)
      THEN 'body_invalid days' END AS why
  FROM asked
), job_made AS (
  INSERT INTO job (community_id, id, kind, args, total, created_by)
  SELECT $1, $2, 'mint_codes', b, (b ->> 'count')::bigint, $4
  FROM asked, verdict WHERE why IS NULL
  RETURNING id, kind, state, total, done, failed, created_at
), batch_made AS (
  INSERT INTO code_batch (community_id, id, job_id, campaign_id, count, effect, product_id,
                          plan_id, created_by)
  SELECT $1, j.id, j.id, (SELECT id FROM named), j.total, effect, product_id, chosen.id, $4
  FROM job_made j, asked, chosen
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, via, action, target_kind,
                         target_id, after, request_id)
  SELECT $1, $3, $4, $5, $6, 'code_batch.create', 'code_batch', j.id, b, $7 FROM job_made j, asked
)
SELECT j.*, split_part(why, ' ', 1), split_part(why, ' ', 2)
FROM verdict LEFT JOIN job_made j ON true
