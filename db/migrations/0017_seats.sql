-- Gifts, seats of a group, sales by hand, days for a cancelled lecture, and what a membership is
-- called while it is paused.

-- Whoever has the link takes the gift: appended behind what they have, whatever that is.
CREATE FUNCTION gift_claim(community bigint, gift uuid, member uuid, at timestamptz)
RETURNS TABLE (refusal text, span_id uuid)
LANGUAGE plpgsql AS $$
DECLARE
  g gift;
  l order_line;
  n plan;
  given entitlement;
BEGIN
  SELECT x.* INTO g FROM gift x WHERE x.community_id = $1 AND x.id = $2 FOR UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found', NULL::uuid; RETURN; END IF;
  IF g.claimed_by = $3 THEN RETURN QUERY SELECT NULL, g.entitlement_id; RETURN; END IF;
  IF g.claimed_by IS NOT NULL OR g.withdrawn_at IS NOT NULL
     OR line_disputed($1, g.order_line_id) THEN
    RETURN QUERY SELECT 'gift_taken', NULL::uuid; RETURN;
  END IF;
  IF g.claim_until <= $4 THEN RETURN QUERY SELECT 'too_late', NULL::uuid; RETURN; END IF;
  IF g.giver_id = $3 THEN RETURN QUERY SELECT 'gift_own', NULL::uuid; RETURN; END IF;
  PERFORM hold_member($1, $3);
  SELECT x.* INTO l FROM order_line x WHERE x.community_id = $1 AND x.id = g.order_line_id;
  SELECT x.* INTO n FROM plan x WHERE x.community_id = $1 AND x.id = l.plan_id;
  IF period_end(greatest($4, last_end($1, $3, n.product_id)), n.period_unit, n.period_count)
     NOT BETWEEN greatest($4, last_end($1, $3, n.product_id)) + interval '1 second'
             AND '2299-12-31Z' THEN
    RETURN QUERY SELECT 'nothing_to_add', NULL::uuid; RETURN;
  END IF;
  given := line_append($1, $3, l, g.unit, n, 'gift', $4, NULL, NULL, g.giver_id);
  UPDATE gift x SET claimed_by = $3, claimed_at = now(), entitlement_id = given.id
  WHERE x.community_id = $1 AND x.id = $2;
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  VALUES ($1, uuid7(), 'gift.claimed', g.giver_id, jsonb_build_object('gift_id', $2));
  RETURN QUERY SELECT NULL::text, given.id;
END $$;

-- What the holder of a seat has of it: its span, or into what it was cut by a pause or an upgrade.
CREATE FUNCTION seat_spans(community bigint, s group_seat) RETURNS SETOF entitlement
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE tree AS (
    SELECT s.entitlement_id AS id
    UNION
    SELECT k.entitlement_id FROM tree t
    JOIN carry k ON k.community_id = $1 AND k.from_member_id = s.member_id AND k.from_id = t.id
      AND k.member_id = s.member_id
  )
  SELECT e.* FROM tree t
  JOIN entitlement e ON e.community_id = $1 AND e.member_id = s.member_id AND e.id = t.id
  WHERE e.voided_at IS NULL ORDER BY lower(e.span)
$$;

-- Takes from the holder of a seat what lies ahead of `at`; what of it was used last is where what
-- is given to the next one comes from.
CREATE FUNCTION seat_take(community bigint, INOUT s group_seat, at timestamptz)
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  one entitlement;
BEGIN
  FOR one IN SELECT * FROM seat_spans($1, s) LOOP
    IF lower(one.span) >= $3 THEN
      PERFORM span_void($1, one.member_id, one.id, 'reassigned', NULL);
    ELSE
      IF upper(one.span) > $3 THEN
        UPDATE entitlement e SET span = tstzrange(lower(one.span), $3), grace_days = 0
        WHERE e.community_id = $1 AND e.member_id = one.member_id AND e.id = one.id;
      END IF;
      s.from_member_id := one.member_id;
      s.from_id := one.id;
    END IF;
  END LOOP;
  PERFORM spans_pull($1, s.member_id, s.product_id, $3);
END $$;

-- Gives a seat to a member, or takes it back (member null). What is left of it goes along: behind
-- what the new one has already. Answers a refusal's code, or null.
CREATE FUNCTION seat_assign(community bigint, line uuid, number int, member uuid, at timestamptz)
RETURNS text
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  s group_seat;
  l order_line;
  n plan;
  left_over interval;
  begins timestamptz;
  given uuid;
BEGIN
  SELECT x.* INTO s FROM group_seat x
  WHERE x.community_id = $1 AND x.order_line_id = $2 AND x.unit = $3 FOR UPDATE;
  IF NOT FOUND THEN RETURN 'not_found'; END IF;
  IF s.revoked_at IS NOT NULL OR line_disputed($1, $2) THEN RETURN 'state_forbids'; END IF;
  IF s.member_id IS NOT DISTINCT FROM $4 THEN RETURN NULL; END IF;
  left_over := upper(s.span) - greatest($5, lower(s.span));
  IF s.member_id IS NOT NULL THEN
    PERFORM hold_member($1, s.member_id);
    SELECT sum(upper(e.span) - greatest($5, lower(e.span))) INTO left_over
    FROM seat_spans($1, s) e WHERE upper(e.span) > $5;
  END IF;
  IF coalesce(left_over, interval '0') <= interval '0' THEN RETURN 'too_late'; END IF;
  IF $4 IS NOT NULL THEN
    IF NOT hold_member($1, $4) THEN RETURN 'not_found'; END IF;
    begins := greatest($5, last_end($1, $4, s.product_id));
    IF begins + left_over >= '2300-01-01Z' THEN RETURN 'nothing_to_add'; END IF;
  END IF;
  -- Nothing was changed so far, and nothing is refused from here on.
  IF s.member_id IS NOT NULL THEN s := seat_take($1, s, $5); END IF;
  IF $4 IS NOT NULL THEN
    SELECT x.* INTO l FROM order_line x WHERE x.community_id = $1 AND x.id = $2;
    SELECT x.* INTO n FROM plan x WHERE x.community_id = $1 AND x.id = s.plan_id;
    IF s.from_id IS NULL THEN
      given := (line_append($1, $4, l, $3, n, 'order', $5, left_over, NULL, NULL)).id;
    ELSE
      given := uuid7_after(s.from_id);
      INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, grace_days,
                               source)
      VALUES ($1, $4, given, s.product_id, s.plan_id, tstzrange(begins, begins + left_over),
              s.grace_days, 'carried');
      INSERT INTO carry (community_id, member_id, entitlement_id, from_member_id, from_id)
      VALUES ($1, $4, given, s.from_member_id, s.from_id);
    END IF;
  END IF;
  UPDATE group_seat x SET member_id = $4, entitlement_id = given,
    assigned_at = CASE WHEN $4 IS NOT NULL THEN now() END, from_member_id = s.from_member_id,
    from_id = s.from_id, span = tstzrange($5, $5 + left_over), version = x.version + 1
  WHERE x.community_id = $1 AND x.order_line_id = $2 AND x.unit = $3;
  RETURN NULL;
END $$;

-- An order that an operator writes down when the money is there already, whatever was agreed: the
-- rest up to the plan's price is a discount.
CREATE FUNCTION sell_by_hand(community bigint, member uuid, new_order uuid, line uuid, payment uuid,
                             n plan, amount bigint, ref text, paid_at timestamptz, reason text,
                             actor uuid)
RETURNS entitlement
LANGUAGE plpgsql AS $$
DECLARE
  begins timestamptz;
  made record;
  given entitlement;
BEGIN
  PERFORM hold_member($1, $2);
  begins := greatest(now(), last_end($1, $2, n.product_id));
  INSERT INTO orders (community_id, id, member_id, kind, currency, total_minor, quoted_at,
                      quote_until)
  VALUES ($1, $3, $2, 'by_hand', n.currency, amount, now(), now() + interval '1 hour');
  INSERT INTO order_line (community_id, id, order_id, product_id, plan_id, unit_minor,
                          discount_minor, starts_at, ends_at)
  VALUES ($1, $4, $3, n.product_id, n.id, n.price_minor, n.price_minor - amount, begins,
          period_end(begins, n.period_unit, n.period_count));
  SELECT * INTO made FROM payment_record($1, $3, $5, 'hand', ref, amount, n.currency, $9, 0, $11,
                                         $10, NULL);
  IF made.outcome <> 'counted' THEN
    RAISE EXCEPTION USING ERRCODE = '23505', CONSTRAINT = 'payment_provider_ref',
      MESSAGE = 'a payment with this reference is recorded already';
  END IF;
  UPDATE entitlement e SET granted_by = $11, reason = $10
  WHERE e.community_id = $1 AND e.order_line_id = $4
  RETURNING e.* INTO given;
  RETURN given;
END $$;

-- Days for a lecture that was cancelled: each member once.
CREATE TABLE compensation (
  community_id bigint NOT NULL,
  lecture_id uuid NOT NULL,
  member_id uuid NOT NULL,
  entitlement_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT compensation_pkey PRIMARY KEY (community_id, lecture_id, member_id),
  CONSTRAINT compensation_lecture FOREIGN KEY (community_id, lecture_id)
    REFERENCES lecture (community_id, id),
  CONSTRAINT compensation_span FOREIGN KEY (community_id, member_id, entitlement_id)
    REFERENCES entitlement (community_id, member_id, id)
);
CREATE INDEX compensation_of_span ON compensation (community_id, member_id, entitlement_id);
GRANT SELECT, INSERT ON compensation TO lyceum_server;

-- Days behind what a member has, for a lecture that was cancelled: once, whoever asks how often.
CREATE FUNCTION compensate(community bigint, lecture uuid, member uuid, n plan, days int,
                           reason text, actor uuid) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  begins timestamptz;
  given uuid := uuid7();
BEGIN
  PERFORM hold_member($1, $3);
  IF EXISTS (SELECT FROM compensation c WHERE c.community_id = $1 AND c.lecture_id = $2
             AND c.member_id = $3) THEN RETURN 'already'; END IF;
  FOR try IN 1 .. 10 LOOP
    begins := greatest(now(), last_end($1, $3, n.product_id));
    IF begins + days * interval '24 hours' >= '2300-01-01Z' THEN RETURN 'nothing'; END IF;
    BEGIN
      INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
                               granted_by, reason)
      VALUES ($1, $3, given, n.product_id, n.id,
              tstzrange(begins, begins + days * interval '24 hours'), 'compensation', actor, $6);
      EXIT;
    EXCEPTION WHEN exclusion_violation THEN  -- a code took the place meanwhile
      IF try = 10 THEN RAISE; END IF;
    END;
  END LOOP;
  INSERT INTO compensation (community_id, lecture_id, member_id, entitlement_id)
  VALUES ($1, $2, $3, given);
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  VALUES ($1, uuid7(), 'compensation.given', $3,
          jsonb_build_object('lecture_id', $2, 'entitlement_id', given, 'days', days));
  RETURN 'given';
END $$;

-- The renewal that waits to be paid.
CREATE FUNCTION renewal_waiting(community bigint, membership uuid) RETURNS orders
LANGUAGE sql STABLE AS $$
  SELECT o FROM orders o
  WHERE o.community_id = $1 AND o.membership_id = $2 AND o.kind = 'renewal'
    AND o.closed_at IS NULL AND o.settled_at IS NULL
  ORDER BY o.created_at DESC LIMIT 1
$$;

CREATE INDEX orders_of_membership ON orders (community_id, membership_id)
  WHERE membership_id IS NOT NULL;

-- As before, but a pause ends by itself, and what was is still called what it was: a pause that is
-- over by the gap that it left, a renewal that waited by when it was settled or closed.
CREATE OR REPLACE FUNCTION membership_status(community bigint, member uuid, product uuid,
                                             at timestamptz)
RETURNS TABLE (status text, until timestamptz, plan_id uuid, entitlement_id uuid, source text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  WITH live AS (
    SELECT e.* FROM entitlement e
    WHERE e.community_id = $1 AND e.member_id = $2 AND e.product_id = $3 AND e.voided_at IS NULL
  ), standing AS (
    SELECT m.* FROM membership m
    WHERE m.community_id = $1 AND m.member_id = $2 AND m.product_id = $3
      AND (m.ended_at IS NULL OR m.ended_at > $4)
    ORDER BY m.ended_at LIMIT 1
  ), now_in AS (
    SELECT g.*, l.created_at FROM entitled_to($1, $2, $3, $4) g
    JOIN live l ON l.id = g.entitlement_id
    ORDER BY g.in_grace, upper(g.span) DESC LIMIT 1
  ), run AS (  -- the end of the spans that follow without a gap
    SELECT upper(r) AS ends FROM (SELECT unnest(range_agg(l.span)) AS r FROM live l) AS runs
    WHERE r @> $4
  ), last AS (
    SELECT l.* FROM live l WHERE upper(l.span) <= $4 ORDER BY upper(l.span) DESC LIMIT 1
  ), next AS (
    SELECT l.* FROM live l WHERE lower(l.span) > $4 ORDER BY lower(l.span) LIMIT 1
  ), due AS (
    SELECT o.id FROM orders o JOIN standing s ON o.membership_id = s.id
    WHERE o.community_id = $1 AND o.kind = 'renewal' AND coalesce(o.due_at, o.created_at) <= $4
      AND coalesce(o.settled_at > $4, true) AND coalesce(o.closed_at > $4, true)
      AND coalesce(o.expires_at > $4, true) LIMIT 1
  ), gap AS (  -- what was left of a span, to go on later
    SELECT lower(t.span) AS until FROM live t
    JOIN carry k ON k.community_id = $1 AND k.member_id = $2 AND k.entitlement_id = t.id
      AND k.from_member_id = $2
    JOIN entitlement f ON f.community_id = $1 AND f.member_id = $2 AND f.id = k.from_id
    WHERE lower(t.span) > $4 AND upper(f.span) <= $4
    ORDER BY lower(t.span) LIMIT 1
  ), named AS MATERIALIZED (
    SELECT CASE
      WHEN n.entitlement_id IS NOT NULL AND NOT n.in_grace THEN CASE
        WHEN n.source = 'trial' THEN 'trialing'
        WHEN s.cancel_at_period_end THEN 'cancelled_at_period_end'
        ELSE 'active' END
      WHEN s.paused_at <= $4 AND coalesce(s.resume_at > $4, true)
        AND (x.id IS NOT NULL OR s.banked_seconds > 0) OR g.until IS NOT NULL THEN 'paused'
      WHEN n.in_grace THEN 'grace'
      WHEN EXISTS (SELECT FROM due) THEN 'past_due'
      WHEN x.id IS NOT NULL THEN 'upcoming'
      WHEN l.id IS NOT NULL THEN 'expired'
      ELSE 'none' END AS status,
      n.entitlement_id AS in_id, n.plan_id AS in_plan, n.source AS in_source, n.until AS in_until,
      s.plan_id AS standing_plan, coalesce(g.until, s.resume_at) AS resume_at, l.id AS last_id,
      l.plan_id AS last_plan,
      l.source AS last_source, x.id AS next_id, x.plan_id AS next_plan, x.source AS next_source,
      lower(x.span) AS next_from
    FROM (SELECT) AS always
    LEFT JOIN now_in n ON true LEFT JOIN standing s ON true
    LEFT JOIN last l ON true LEFT JOIN next x ON true LEFT JOIN gap g ON true
  )
  SELECT d.status,
    CASE d.status
      WHEN 'trialing' THEN in_until
      WHEN 'active' THEN (SELECT ends FROM run)
      WHEN 'cancelled_at_period_end' THEN (SELECT ends FROM run)
      WHEN 'grace' THEN in_until
      WHEN 'paused' THEN resume_at
      ELSE next_from END,
    CASE d.status WHEN 'upcoming' THEN next_plan
      ELSE coalesce(in_plan, standing_plan, last_plan) END,
    CASE d.status WHEN 'upcoming' THEN next_id ELSE coalesce(in_id, last_id) END,
    CASE d.status WHEN 'upcoming' THEN next_source ELSE coalesce(in_source, last_source) END
  FROM named d
$$;

-- A membership as its member and operators see it, at a moment. Times are told as the API tells
-- them. `banked`: what a pause has put aside.
CREATE FUNCTION membership_shown(community bigint, membership uuid, at timestamptz)
RETURNS TABLE (id uuid, member_id uuid, product_id uuid, product_name jsonb, plan_id uuid,
               plan_name jsonb, next_plan_id uuid, next_plan_name jsonb, status text, until text,
               auto_renew boolean, cancel_at_period_end boolean, ends_at text, paused_at text,
               resume_at text, banked_days int, banked_seconds bigint, renewal jsonb,
               spans jsonb, started_at text, ended_at text, version int)
LANGUAGE sql STABLE AS $$
  SELECT m.id, m.member_id, m.product_id, p.name::jsonb, m.plan_id, n.name::jsonb, m.next_plan_id,
    x.name::jsonb, s.status, iso(s.until), m.auto_renew, m.cancel_at_period_end,
    iso(last_end($1, m.member_id, m.product_id)), CASE WHEN rests THEN iso(m.paused_at) END,
    CASE WHEN rests THEN iso(m.resume_at) END, (t.banked / 86400)::int, t.banked, (
      SELECT jsonb_build_object('order_id', o.id, 'plan_id', l.plan_id, 'due_at', iso(o.due_at),
        'expires_at', iso(o.expires_at), 'total_minor', o.total_minor, 'currency', o.currency,
        'starts_at', iso(l.starts_at), 'ends_at', iso(l.ends_at))
      FROM renewal_waiting($1, m.id) o
      JOIN order_line l ON l.community_id = $1 AND l.order_id = o.id),
    t.told, iso(m.started_at), iso(m.ended_at), m.version
  FROM membership m
  JOIN product p ON p.community_id = $1 AND p.id = m.product_id
  JOIN plan n ON n.community_id = $1 AND n.id = m.plan_id
  LEFT JOIN plan x ON x.community_id = $1 AND x.id = m.next_plan_id
  CROSS JOIN LATERAL (SELECT m.ended_at IS NULL AND m.paused_at <= $3 AND m.resume_at > $3 AS rests)
    AS r
  CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', e.id, 'plan_id', e.plan_id,
        'source', e.source, 'starts_at', iso(lower(e.span)), 'ends_at', iso(upper(e.span)))
      ORDER BY lower(e.span)), '[]') AS told,
      coalesce(sum(extract(epoch FROM upper(e.span) - lower(e.span)))
        FILTER (WHERE rests AND lower(e.span) >= m.resume_at), 0)::bigint AS banked
    FROM (SELECT * FROM entitlement l
      WHERE l.community_id = $1 AND l.member_id = m.member_id AND l.product_id = m.product_id
        AND l.voided_at IS NULL AND upper(l.span) > $3
      ORDER BY upper(l.span) LIMIT 100) AS e) AS t
  CROSS JOIN LATERAL membership_status($1, m.member_id, m.product_id, $3) AS s
  WHERE m.community_id = $1 AND m.id = $2
$$;
