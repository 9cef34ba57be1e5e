-- The demo's invite codes. Chosen ones are put back to live when a visitor revoked them;
-- machine-made ones are added when none is left. `codes` is a list of {id, digest, sealed, hint,
-- machine, effect, days, max_uses, until_days}, with bytes in hexadecimal.
-- in: codes json!
-- out: _added bigint!
WITH given AS MATERIALIZED (
  SELECT * FROM json_to_recordset($2) AS c (id uuid, digest text, sealed text, hint text,
    machine bool, effect text, plan text, days int, max_uses int, until_days int)
), terms AS (
  SELECT p.slug, p.id AS plan_id, p.product_id, k.id AS campaign_id
  FROM plan p, campaign k
  WHERE p.community_id = $1 AND p.version = 1 AND k.community_id = $1 AND k.source = 'demo'
), made AS (
  INSERT INTO invite_code AS c (community_id, id, digest, sealed, hint, machine, campaign_id,
    effect, product_id, plan_id, days, max_uses, valid_from, valid_until)
  SELECT $1, g.id, decode(g.digest, 'hex'), decode(g.sealed, 'hex'), g.hint, g.machine,
    t.campaign_id, g.effect, t.product_id, t.plan_id, g.days, g.max_uses,
    now() - interval '60 days', now() + make_interval(days => g.until_days)
  FROM given g JOIN terms t ON t.slug = g.plan
  WHERE NOT g.machine OR NOT EXISTS (
    SELECT FROM invite_code o JOIN terms USING (campaign_id)
    WHERE o.community_id = $1 AND o.machine AND code_status(o, now()) = 'live')
  ON CONFLICT (community_id, digest) DO UPDATE
  SET revoked_at = NULL,
      max_uses = greatest(c.max_uses, CASE WHEN c.max_uses > 1000 THEN c.used + 1000 END)
  WHERE c.revoked_at IS NOT NULL OR (c.max_uses > 1000 AND c.used > c.max_uses - 1000)
  RETURNING 1
)
SELECT count(*) FROM made
