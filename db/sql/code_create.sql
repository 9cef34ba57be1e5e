-- Makes one code, chosen or machine-made. Another that reads the same is refused by
-- invite_code_digest. Of a campaign, campaign_hold has locked it in the same transaction.
-- in: id uuid!, digest bytea!, sealed bytea!, hint text!, machine bool!, provider text,
--   subject text, body json!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: id uuid, _refusal text, _pointer text, _fault text
WITH given AS MATERIALIZED (
  SELECT j, coalesce(j ->> 'effect', 'days') AS effect, (j ->> 'days')::int AS days,
    (j ->> 'percent')::int AS percent, (j ->> 'discount_minor')::bigint AS discount_minor,
    coalesce((j ->> 'max_uses')::int, 1) AS max_uses, (j ->> 'valid_from')::timestamptz AS since,
    (j ->> 'valid_until')::timestamptz AS until, (j ->> 'campaign_id')::uuid AS campaign_id
  FROM jsonb_strip_nulls($9::jsonb) AS j
), judged AS MATERIALIZED (
  SELECT g.*, n.id AS plan_id, n.product_id, CASE
      WHEN n.id IS NULL THEN '/plan_id unknown'
      WHEN n.retired_at IS NOT NULL THEN 'plan_retired'
      WHEN g.campaign_id IS NOT NULL AND k.id IS NULL THEN '/campaign_id unknown'
      WHEN k.ended_at IS NOT NULL THEN 'state_forbids'
      WHEN k.quota <= (
          SELECT count(*) FROM invite_code i
          WHERE i.community_id = $1 AND i.campaign_id = k.id AND i.batch_id IS NULL) + (
          SELECT coalesce(sum(b.count), 0) FROM code_batch b
          WHERE b.community_id = $1 AND b.campaign_id = k.id) THEN 'campaign_full'
      WHEN effect = 'discount' AND days IS NOT NULL THEN '/days superfluous'
      WHEN effect = 'discount' AND num_nonnulls(percent, g.discount_minor) = 0
        THEN '/percent required'
      WHEN effect = 'discount' AND num_nonnulls(percent, g.discount_minor) = 2
        THEN '/discount_minor superfluous'
      WHEN effect <> 'discount' AND days IS NULL THEN '/days required'
      WHEN effect <> 'discount' AND percent IS NOT NULL THEN '/percent superfluous'
      WHEN effect <> 'discount' AND g.discount_minor IS NOT NULL THEN '/discount_minor superfluous'
      WHEN effect <> 'discount' AND j ? 'forever' THEN '/forever superfluous'
      WHEN effect <> 'discount' AND j ? 'minimum_minor' THEN '/minimum_minor superfluous'
      WHEN $8 IS NOT NULL AND max_uses > 1 THEN '/max_uses too_much'
      WHEN until <= greatest(since, now()) THEN '/valid_until too_early'
    END AS why
  FROM given g
  LEFT JOIN plan n ON n.community_id = $1 AND n.id = (j ->> 'plan_id')::uuid
  LEFT JOIN campaign k ON k.community_id = $1 AND k.id = g.campaign_id
), made AS (
  INSERT INTO invite_code (community_id, id, digest, sealed, hint, machine, campaign_id, effect,
    product_id, plan_id, days, percent, discount_minor, max_uses, valid_from, valid_until,
    reserved_provider, reserved_subject, created_by, forever, minimum_minor)
  SELECT $1, $2, $3, $4, $5, $6, campaign_id, effect, product_id, plan_id, days, percent,
    discount_minor, max_uses, since, until, $7, $8, $10,
    coalesce((j ->> 'forever')::bool, false), (j ->> 'minimum_minor')::bigint
  FROM judged WHERE why IS NULL
  RETURNING id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $12, $10, $11, 'code.create', 'code', made.id,
    j - 'code' - 'reserved_for' || jsonb_build_object('hint', $5), $13
  FROM made, judged
)
SELECT made.id, CASE WHEN why LIKE '/%' THEN 'body_invalid' ELSE why END,
  CASE WHEN why LIKE '/%' THEN split_part(why, ' ', 1) END,
  CASE WHEN why LIKE '/%' THEN split_part(why, ' ', 2) END
FROM judged LEFT JOIN made ON true
