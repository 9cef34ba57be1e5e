-- Orders a batch of machine-made codes: the batch, and the job of the same id that mints it.
-- body: {count, plan: slug (or plan_id), effect: days (if not given) | trial | discount, days,
-- percent, discount_minor, forever, minimum_minor, max_uses: 1 if not given, campaign_id,
-- valid_from, valid_until, dry_run}
-- A campaign was locked by campaign_hold in the same transaction, or its quota is nobody's concern.
-- in: id uuid!, audit_id uuid!, created_by uuid, role text, via text!, request_id text, body json!
-- out: id uuid, kind text, state text, total bigint, done bigint, failed bigint,
--   created_at timestamptz, _refusal text, _pointer text, _fault text
WITH asked AS MATERIALIZED (
  SELECT b, coalesce(b ->> 'effect', 'days') AS effect,
    (b ->> 'valid_from')::timestamptz AS valid_from,
    (b ->> 'valid_until')::timestamptz AS valid_until
  FROM (SELECT jsonb_strip_nulls($8::jsonb) AS b) AS body
), chosen AS MATERIALIZED (
  SELECT p.id, p.product_id, p.retired_at
  FROM plan p, asked
  WHERE p.community_id = $1 AND (p.slug = b ->> 'plan' OR p.id = (b ->> 'plan_id')::uuid)
  ORDER BY p.retired_at NULLS FIRST, p.version DESC LIMIT 1
), named AS MATERIALIZED (
  SELECT c.id, c.ended_at, c.quota - (b ->> 'count')::bigint < (
      SELECT count(*) FROM invite_code i
      WHERE i.community_id = $1 AND i.campaign_id = c.id AND i.batch_id IS NULL) + (
      SELECT coalesce(sum(o.count), 0) FROM code_batch o
      WHERE o.community_id = $1 AND o.campaign_id = c.id) AS is_full
  FROM campaign c, asked
  WHERE c.community_id = $1 AND c.id = (b ->> 'campaign_id')::uuid
), verdict AS MATERIALIZED (
  SELECT CASE
    WHEN NOT EXISTS (SELECT FROM chosen) THEN '/plan_id unknown'
    WHEN (SELECT retired_at FROM chosen) <= now() THEN 'plan_retired'
    WHEN b ? 'campaign_id' AND NOT EXISTS (SELECT FROM named) THEN '/campaign_id unknown'
    WHEN (SELECT ended_at FROM named) IS NOT NULL THEN 'state_forbids'
    WHEN (SELECT is_full FROM named) THEN 'campaign_full'
    WHEN valid_until <= greatest(now(), valid_from) THEN '/valid_until too_early'
    WHEN effect = 'discount' AND b ? 'days' THEN '/days superfluous'
    WHEN effect = 'discount' AND NOT b ?| ARRAY['percent', 'discount_minor']
      THEN '/percent required'
    WHEN effect = 'discount' AND b ?& ARRAY['percent', 'discount_minor']
      THEN '/discount_minor superfluous'
    WHEN effect <> 'discount' AND NOT b ? 'days' THEN '/days required'
    WHEN effect <> 'discount' AND b ? 'percent' THEN '/percent superfluous'
    WHEN effect <> 'discount' AND b ? 'discount_minor' THEN '/discount_minor superfluous'
    WHEN effect <> 'discount' AND b ? 'forever' THEN '/forever superfluous'
    WHEN effect <> 'discount' AND b ? 'minimum_minor' THEN '/minimum_minor superfluous'
  END AS why
  FROM asked
), job_made AS (
  INSERT INTO job (community_id, id, kind, args, total, created_by)
  SELECT $1, $2, 'mint_codes', b, (b ->> 'count')::bigint, $4
  FROM asked, verdict WHERE why IS NULL AND (b ->> 'dry_run')::bool IS NOT TRUE
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
SELECT j.*, CASE WHEN why LIKE '/%' THEN 'body_invalid' ELSE why END,
  CASE WHEN why LIKE '/%' THEN split_part(why, ' ', 1) END,
  CASE WHEN why LIKE '/%' THEN split_part(why, ' ', 2) END
FROM verdict LEFT JOIN job_made j ON true
