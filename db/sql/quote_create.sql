-- What an order would be: made and kept for a quarter of an hour, or refused. `contact` is one of
-- the member's proven contacts, `email:…`, when the code is reserved for one.
-- in: id uuid!, member_id uuid!, body json!, digest bytea, contact text
-- out: id uuid, _refusal text, _pointer text, _fault text, _reserved text
WITH asked AS MATERIALIZED (
  SELECT jsonb_strip_nulls($4::jsonb) - 'code' AS j
), terms AS MATERIALIZED (
  SELECT j, quote_make($1, $3, j, $5, now()) AS t FROM asked
), judged AS MATERIALIZED (
  SELECT terms.*, c.reserved, CASE
      WHEN member_state(m, now()) = 'suspended' THEN 'member_suspended'
      WHEN member_state(m, now()) = 'banned' THEN 'member_banned'
      WHEN c.reserved <> coalesce($6, '') AND coalesce(t ->> 'refusal', 'code_sold_out') IN (
        'code_sold_out', 'code_no_discount', 'campaign_used', 'code_other_plan',
        'code_other_currency', 'code_minimum', 'nothing_to_add') THEN 'code_reserved'
      ELSE t ->> 'refusal' END AS refusal
  FROM terms
  LEFT JOIN member m ON m.community_id = $1 AND m.id = $3
  LEFT JOIN LATERAL (
    SELECT i.reserved_provider || ':' || i.reserved_subject AS reserved
    FROM invite_code i WHERE i.community_id = $1 AND i.digest = $5) AS c ON true
), made AS (
  INSERT INTO quote (community_id, id, member_id, request, terms, code_id, made_at, expires_at)
  SELECT $1, $2, $3, j, t, (t ->> 'code_id')::uuid, now(), now() + interval '15 minutes'
  FROM judged WHERE refusal IS NULL
  RETURNING id
)
SELECT made.id, refusal, CASE WHEN refusal = 'body_invalid' THEN t ->> 'pointer' END,
  CASE WHEN refusal = 'body_invalid' THEN t ->> 'fault' END, reserved
FROM judged LEFT JOIN made ON true
