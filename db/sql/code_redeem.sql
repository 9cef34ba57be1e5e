-- Redeems codes, a batch at once: each element is a member and the digest of what was typed.
-- Answers per element what it got, or why not: a refusal is a value, so it spoils nothing for its
-- neighbours.
-- in: digest bytea!, member_id uuid!, id uuid!, contact text, request text
-- out: ord int!, _refusal text, _created bool!, _machine bool, _reserved text, id uuid,
--   code_hint text, product_id uuid, product_name json, plan_id uuid, plan_name json,
--   starts_at timestamptz, ends_at timestamptz, redeemed_at timestamptz, membership text
-- many
-- `contact` is one of the member's proven contacts, `email:…`; the handler looks it up and asks
-- again when the first answer was code_reserved. `again`: a member's second element, or one of more
-- than the code has seats for, some of whom may be refused; ask again.
--
-- No pass locks rows first. What the snapshot decides is checked again where it is written: seats
-- by invite_code_used, one redemption a member by redemption_once, spans by entitlement_no_overlap;
-- who loses such a race is asked again by the engine, on a fresh snapshot.
--
-- The plan is kept, so it must not depend on what the statistics say today: a sub-select hides the
-- arrays' length, and scalar sub-selects and LATERAL with OFFSET 0 are always look-ups by key. The
-- update is one, too, because its codes have no other way in: all three keys come from the same
-- sub-select, the community in a form that can be neither merged nor hashed, so that whichever
-- index is taken gets its whole key; and a LIMIT that the planner can't read makes it expect one
-- row.
-- And it starts anew for every batch: each node and column that it does not have is time saved.
WITH judged AS (
  SELECT a.ord, a.digest, a.member_id, a.id, a.request, c.id AS code_id, c.hint, c.machine,
    c.effect, c.product_id, c.plan_id, c.campaign_id, c.reserved, c.seats, f.first_id, l.last_span,
    l.last_source, s.starts_at, s.ends_at,
    CASE
      WHEN c.id IS NULL THEN 'code_refused'
      WHEN f.first_id IS NOT NULL THEN 'repeated'
      WHEN c.revoked_at IS NOT NULL THEN 'code_revoked'
      WHEN c.valid_from > now() THEN 'code_not_yet'
      WHEN c.valid_until <= now() THEN 'code_expired'
      WHEN c.reserved <> coalesce(a.contact, '') THEN 'code_reserved'
      WHEN c.seats <= 0 THEN 'code_sold_out'
      WHEN c.effect = 'discount' THEN 'code_needs_order'
      WHEN array_position($3::uuid[], a.member_id) < a.ord THEN 'again'
      WHEN array_position(array_positions($2::bytea[], a.digest), a.ord::int) > c.seats THEN 'again'
      WHEN s.ends_at >= '2300-01-01Z' THEN 'nothing_to_add'
      WHEN c.effect = 'trial' AND (s.starts_at > now() OR (
        SELECT true FROM entitlement t
        WHERE t.community_id = $1 AND t.member_id = a.member_id AND t.product_id = c.product_id
          AND t.source = 'trial')) THEN 'nothing_to_add'
      WHEN c.campaign_id IS NOT NULL THEN (
        SELECT CASE
          WHEN k.valid_from > now() THEN 'code_not_yet'
          WHEN k.valid_until <= now() OR k.ended_at IS NOT NULL THEN 'code_expired'
          WHEN k.once_per_member THEN coalesce((
            SELECT 'campaign_used' FROM redemption o
            WHERE o.community_id = $1 AND o.once_campaign_id = k.id
              AND o.member_id = a.member_id AND o.released_at IS NULL), 'once')
        END FROM campaign k WHERE k.community_id = $1 AND k.id = c.campaign_id)
    END AS outcome
  FROM (
    SELECT m.member_id, m.ord, ($2::bytea[])[m.ord] AS digest, ($4::uuid[])[m.ord] AS id,
      ($5::text[])[m.ord] AS contact, ($6::text[])[m.ord] AS request
    FROM unnest((SELECT $3::uuid[])) WITH ORDINALITY AS m (member_id, ord)
  ) a
  LEFT JOIN LATERAL (
    SELECT i.id, i.hint, i.machine, i.effect, i.product_id, i.plan_id, i.campaign_id, i.days,
      i.revoked_at, i.valid_from, i.valid_until, i.used, i.max_uses - i.used - i.held AS seats,
      i.reserved_provider || ':' || i.reserved_subject AS reserved
    FROM invite_code i WHERE i.community_id = $1 AND i.digest = a.digest OFFSET 0
  ) c ON true
  LEFT JOIN LATERAL (
    SELECT e.span AS last_span, e.source AS last_source FROM entitlement e
    WHERE e.community_id = $1 AND e.member_id = a.member_id AND e.product_id = c.product_id
      AND e.voided_at IS NULL
    ORDER BY upper(e.span) DESC LIMIT 1
  ) l ON true
  CROSS JOIN LATERAL (
    SELECT CASE WHEN c.used > 0 THEN (  -- nobody's first use needs no look-up
      SELECT r.id FROM redemption r
      WHERE r.community_id = $1 AND r.code_id = c.id AND r.member_id = a.member_id
        AND r.released_at IS NULL) END AS first_id OFFSET 0) f
  CROSS JOIN LATERAL (
    SELECT greatest(upper(l.last_span), now()) AS starts_at,
           greatest(upper(l.last_span), now()) + c.days * interval '24 hours' AS ends_at) s
  OFFSET 0  -- else its expressions are copied to wherever they are used
), seated AS MATERIALIZED (
  SELECT j.*, outcome IS NULL OR outcome = 'once' AS won FROM judged j
  ORDER BY member_id  -- as all batches do: no deadlock
), spent AS (  -- runs last: a code that everybody wants is locked for as short as can be
  UPDATE invite_code c SET used = c.used + s.uses
  FROM (SELECT $1::bigint AS community_id, code_id, digest, count(*)::int AS uses FROM seated
        WHERE won GROUP BY code_id, digest ORDER BY code_id
        LIMIT (SELECT cardinality($3::uuid[]))) s
  WHERE c.community_id = ANY (ARRAY[s.community_id]) AND c.id = s.code_id AND c.digest = s.digest
), redeemed AS (
  INSERT INTO redemption (community_id, member_id, id, code_id, once_campaign_id)
  SELECT $1, member_id, id, code_id, CASE outcome WHEN 'once' THEN campaign_id END FROM seated
  WHERE won
), granted AS (
  INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
                           redemption_id)
  SELECT $1, member_id, id, product_id, plan_id, tstzrange(starts_at, ends_at),
         CASE effect WHEN 'trial' THEN 'trial' ELSE 'code' END, id
  FROM seated WHERE won
), logged AS (
  INSERT INTO audit_log (community_id, id, actor_id, action, target_kind, target_id, request_id)
  SELECT $1, id, member_id, 'code.redeem', 'code', code_id, request FROM seated WHERE won
), told AS (
  INSERT INTO outbox (community_id, id, topic, subject_id)
  SELECT $1, id, 'code.redeemed', member_id FROM seated WHERE won
)
SELECT s.ord::int,
  CASE WHEN NOT won AND outcome <> 'repeated' THEN outcome END,
  won, machine, reserved, coalesce(first_id, s.id), hint, s.product_id,
  (SELECT p.name::json FROM product p WHERE p.community_id = $1 AND p.id = s.product_id),
  s.plan_id, (SELECT p.name::json FROM plan p WHERE p.community_id = $1 AND p.id = s.plan_id),
  coalesce(lower(e.span), starts_at), coalesce(upper(e.span), ends_at),
  coalesce(e.created_at, now()),
  CASE WHEN coalesce(upper(e.span), ends_at) <= now() THEN 'expired'
       WHEN coalesce(lower(e.span), starts_at) <= now()
         THEN CASE effect WHEN 'trial' THEN 'trialing' ELSE 'active' END
       WHEN last_span @> now() THEN CASE last_source WHEN 'trial' THEN 'trialing' ELSE 'active' END
       ELSE coalesce((SELECT CASE g.source WHEN 'trial' THEN 'trialing' ELSE 'active' END
             FROM entitled_to($1, s.member_id, s.product_id, now()) g
             ORDER BY upper(g.span) LIMIT 1), 'upcoming') END
FROM seated s
LEFT JOIN LATERAL (
  SELECT t.span, t.created_at FROM entitlement t
  WHERE t.community_id = $1 AND t.member_id = s.member_id AND t.id = s.first_id OFFSET 0) e ON true
