-- Puts a new version of a plan on sale and takes the former out of it. Runs after product_hold in
-- the same transaction. A plan's short name belongs to one product.
-- in: product_id uuid!, id uuid!, body json!, actor uuid!, role text!, audit_id uuid!,
--   request_id text
-- out: id uuid, _refusal text, _pointer text, _fault text, _told text
WITH given AS MATERIALIZED (
  SELECT jsonb_strip_nulls($4::jsonb) AS j
), former AS MATERIALIZED (
  SELECT max(n.version) AS version, bool_or(n.product_id <> $2) AS others
  FROM plan n, given WHERE n.community_id = $1 AND n.slug = j ->> 'slug'
), judged AS MATERIALIZED (
  SELECT j, coalesce(former.version, 0) + 1 AS version,
    CASE WHEN others THEN 'slug_taken'
         WHEN p.archived_at IS NOT NULL THEN 'state_forbids'
         WHEN (j ->> 'sale_until')::timestamptz <= coalesce((j ->> 'sale_from')::timestamptz,
                                                            now()) THEN 'body_invalid'
    END AS refusal
  FROM given CROSS JOIN former
  JOIN product p ON p.community_id = $1 AND p.id = $2
), retired AS (
  UPDATE plan n SET retired_at = now()
  FROM judged
  WHERE n.community_id = $1 AND n.slug = j ->> 'slug' AND n.retired_at IS NULL
    AND refusal IS NULL
), made AS (
  INSERT INTO plan (community_id, id, product_id, slug, version, name, benefits, price_minor,
    currency, period_unit, period_count, trial_days, grace_days, seats, renews, tier, buyers,
    open_amount, visibility, sale_from, sale_until)
  SELECT $1, $3, $2, j ->> 'slug', version, j -> 'name', j -> 'benefits',
    (j ->> 'price_minor')::bigint, j ->> 'currency', j ->> 'period_unit',
    (j ->> 'period_count')::int, coalesce((j ->> 'trial_days')::int, 0),
    coalesce((j ->> 'grace_days')::int, 0), (j ->> 'seats')::int,
    coalesce((j ->> 'renews')::bool, false), coalesce((j ->> 'tier')::int, 0),
    coalesce(j ->> 'buyers', 'anyone'), coalesce((j ->> 'open_amount')::bool, false),
    coalesce(j ->> 'visibility', 'public'), (j ->> 'sale_from')::timestamptz,
    (j ->> 'sale_until')::timestamptz
  FROM judged WHERE refusal IS NULL
  RETURNING id
), priced AS (
  INSERT INTO plan_price (community_id, plan_id, currency, price_minor)
  SELECT $1, made.id, x ->> 'currency', (x ->> 'price_minor')::bigint
  FROM made, judged, jsonb_array_elements(j -> 'prices') AS x
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $7, $5, $6, 'plan.create', 'plan', made.id,
    j || jsonb_build_object('version', version), $8
  FROM made, judged
)
SELECT made.id, refusal, CASE refusal WHEN 'body_invalid' THEN '/sale_until' END,
  CASE refusal WHEN 'body_invalid' THEN 'too_early' END,
  CASE WHEN refusal IS NULL THEN pg_notify('lyceum', 'public ' || $1)::text END
FROM judged LEFT JOIN made ON true
