-- What an order would be. quote_make() only reads; order_open() makes the order out of what it
-- said, and order_settle() (0016) gives what was paid for.

-- What a plan costs in a currency; null when it is not sold in it.
CREATE FUNCTION price_in(plan plan, currency text) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN ($1).currency = $2 THEN ($1).price_minor ELSE (
    SELECT p.price_minor FROM plan_price p
    WHERE p.community_id = ($1).community_id AND p.plan_id = ($1).id AND p.currency = $2) END
$$;

-- May this member buy this plan at this moment? Null, or the refusal's code.
CREATE FUNCTION sale_refusal(plan plan, member uuid, at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN ($1).retired_at <= $3 OR p.archived_at <= $3 THEN 'plan_retired'
    WHEN ($1).sale_from > $3 OR ($1).sale_until <= $3 THEN 'not_on_sale'
    WHEN ($1).buyers = 'anyone' THEN NULL
    WHEN ($1).buyers = 'new' AND had THEN 'not_for_you'
    WHEN ($1).buyers = 'returning' AND (NOT had OR has) THEN 'not_for_you'
    WHEN ($1).buyers = 'active' AND NOT has THEN 'not_for_you' END
  FROM product p
  CROSS JOIN LATERAL (
    SELECT bool_or(true) IS NOT NULL AS had, coalesce(bool_or(e.span @> $3), false) AS has
    FROM entitlement e
    WHERE e.community_id = ($1).community_id AND e.member_id = $2
      AND e.product_id = ($1).product_id AND e.voided_at IS NULL) AS e
  WHERE p.community_id = ($1).community_id AND p.id = ($1).product_id
$$;

-- What is left at a moment of what was paid for: over the spans that orders bought, the share of
-- their worth that lies ahead. A line is worth what was paid for it and what was credited to it,
-- less what went back or is on its way. One row an order line.
CREATE FUNCTION credit_of(community bigint, member uuid, product uuid, currency text,
                          at timestamptz)
RETURNS TABLE (order_id uuid, line_id uuid, credit_minor bigint)
LANGUAGE sql STABLE AS $$
  SELECT o.id, l.id, greatest(0, least(w.worth - o.credited_minor,
    floor(w.worth * sum(extract(epoch FROM
        upper(e.span) - greatest(lower(e.span), least($5, upper(e.span)))))
      / nullif(sum(extract(epoch FROM upper(e.span) - lower(e.span))), 0))::bigint))
  FROM orders o
  JOIN order_line l ON l.community_id = $1 AND l.order_id = o.id AND l.product_id = $3
  CROSS JOIN LATERAL (
    SELECT o.paid_minor + l.credit_minor + l.spare_minor - l.lost_minor - o.refunded_minor - (
      SELECT coalesce(sum(q.amount_minor), 0) FROM payment p
      JOIN refund_request q ON q.community_id = $1 AND q.payment_id = p.id
        AND q.state IN ('asked', 'processing')
      WHERE p.community_id = $1 AND p.order_id = o.id AND NOT p.surplus)::bigint AS worth) AS w
  CROSS JOIN LATERAL spans_of_line($1, l.id) s
  JOIN entitlement e ON e.community_id = $1 AND e.member_id = s.member_id AND e.id = s.id
    AND e.voided_at IS NULL
  WHERE o.community_id = $1 AND o.member_id = $2 AND o.settled_at IS NOT NULL
    AND o.kind IN ('purchase', 'renewal', 'upgrade', 'by_hand') AND o.currency = $4
    AND o.disputed_at IS NULL
  GROUP BY o.community_id, o.id, l.community_id, l.id, w.worth
  HAVING max(upper(e.span)) > $5
$$;

-- What a discount code does to an amount, or why it does nothing. `code` is its digest; its own
-- amounts are in its plan's currency.
CREATE FUNCTION discount_of(community bigint, member uuid, code bytea, plan uuid, amount bigint,
                            money text, at timestamptz)
RETURNS TABLE (code_id uuid, discount_minor bigint, forever boolean, refusal text)
LANGUAGE sql STABLE AS $$
  SELECT c.id, least($5, coalesce(c.discount_minor, $5 * c.percent / 100)), c.forever, CASE
    WHEN c.id IS NULL THEN 'code_refused'
    WHEN c.revoked_at IS NOT NULL THEN 'code_revoked'
    WHEN c.valid_from > $7 OR k.valid_from > $7 THEN 'code_not_yet'
    WHEN c.valid_until <= $7 OR k.valid_until <= $7 OR k.ended_at IS NOT NULL THEN 'code_expired'
    WHEN EXISTS (SELECT FROM redemption r WHERE r.community_id = $1 AND r.code_id = c.id
                 AND r.member_id = $2 AND r.released_at IS NULL) THEN 'code_used'
    WHEN c.used + c.held >= c.max_uses AND NOT EXISTS (
      SELECT FROM code_hold h WHERE h.community_id = $1 AND h.code_id = c.id AND h.member_id = $2
        AND h.ended_at IS NULL) THEN 'code_sold_out'
    WHEN c.effect <> 'discount' THEN 'code_no_discount'
    WHEN k.once_per_member AND (EXISTS (
      SELECT FROM redemption r WHERE r.community_id = $1 AND r.once_campaign_id = k.id
        AND r.member_id = $2 AND r.released_at IS NULL) OR EXISTS (
      SELECT FROM code_hold h
      JOIN invite_code o ON o.community_id = $1 AND o.id = h.code_id AND o.campaign_id = k.id
      WHERE h.community_id = $1 AND h.member_id = $2 AND h.ended_at IS NULL AND o.id <> c.id))
      THEN 'campaign_used'
    WHEN c.plan_id <> $4 THEN 'code_other_plan'
    WHEN num_nonnulls(c.discount_minor, c.minimum_minor) > 0
      AND money <> (SELECT n.currency FROM plan n WHERE n.community_id = $1 AND n.id = $4)
      THEN 'code_other_currency'
    WHEN $5 < c.minimum_minor THEN 'code_minimum' END
  FROM (SELECT) AS always
  LEFT JOIN invite_code c ON c.community_id = $1 AND c.digest = $3
  LEFT JOIN campaign k ON k.community_id = $1 AND k.id = c.campaign_id
$$;

-- The terms of an order, or {"refusal": …, "pointer": …, "fault": …}. What is asked for:
--   kind          purchase | renewal | upgrade | gift | seats | ticket | tip
--   plan_id       (a renewal's is the membership's)
--   currency, quantity, amount_minor (where who pays names it), lecture_id, lecturer_id, note
-- The answer: kind, currency, product_id, plan_id, quantity, unit_minor, discount_minor,
-- credit_minor, total_minor, trial, starts_at, ends_at, units (gifts and seats that it makes),
-- code_id, forever, membership_id, lecture_id, lecturer_id, note.
CREATE FUNCTION quote_make(community bigint, member uuid, asked jsonb, code bytea, at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  kind text := asked ->> 'kind';
  n plan;
  p product;
  s membership;
  pol selling_policy := policy_of($1);
  money text;
  count int := coalesce((asked ->> 'quantity')::int, 1);
  unit bigint;
  full_minor bigint;
  off bigint := 0;
  credit bigint := 0;
  spare bigint;
  seconds bigint;
  held uuid;
  code_row record;
  code_id uuid;
  forever boolean := false;
  last timestamptz;
  begins timestamptz;
  ends timestamptz;
  trial boolean := false;
  units int;
  refusal text;
BEGIN
  IF kind = 'renewal' THEN
    SELECT m.* INTO s FROM membership m
    WHERE m.community_id = $1 AND m.id = (asked ->> 'membership_id')::uuid AND m.member_id = $2
      AND m.ended_at IS NULL;
    IF NOT FOUND THEN
      RETURN '{"refusal": "body_invalid", "pointer": "/membership_id", "fault": "unknown"}';
    END IF;
    SELECT x.* INTO n FROM plan x
    WHERE x.community_id = $1 AND x.id = coalesce(s.next_plan_id, s.plan_id);
    money := coalesce(asked ->> 'currency', s.currency, n.currency);
  ELSE
    SELECT x.* INTO n FROM plan x
    WHERE x.community_id = $1 AND x.id = (asked ->> 'plan_id')::uuid;
    IF NOT FOUND OR n.visibility = 'members' AND NOT EXISTS (SELECT FROM entitled($1, $2, $5)) THEN
      RETURN '{"refusal": "body_invalid", "pointer": "/plan_id", "fault": "unknown"}';
    END IF;
    money := coalesce(asked ->> 'currency', n.currency);
    refusal := sale_refusal(n, $2, $5);
    IF refusal IS NOT NULL THEN RETURN jsonb_build_object('refusal', refusal); END IF;
  END IF;
  SELECT x.* INTO p FROM product x WHERE x.community_id = $1 AND x.id = n.product_id;

  -- Which kinds of order go with which kinds of product.
  IF NOT (CASE kind
      WHEN 'purchase' THEN p.kind IN ('membership', 'camp', 'donation') AND n.seats IS NULL
      WHEN 'gift' THEN p.kind IN ('membership', 'camp') AND n.seats IS NULL
      WHEN 'seats' THEN p.kind IN ('membership', 'camp') AND n.seats IS NOT NULL
      WHEN 'upgrade' THEN p.kind = 'membership' AND n.seats IS NULL
      WHEN 'ticket' THEN p.kind = 'ticket'
      WHEN 'tip' THEN p.kind = 'donation'
      ELSE true END) THEN
    RETURN '{"refusal": "body_invalid", "pointer": "/kind", "fault": "differs"}';
  END IF;
  IF kind NOT IN ('gift', 'seats') AND count <> 1 THEN
    RETURN '{"refusal": "body_invalid", "pointer": "/quantity", "fault": "superfluous"}';
  END IF;

  IF kind = 'seats' AND count::bigint * n.seats > 10000 THEN  -- made in one transaction
    RETURN '{"refusal": "body_invalid", "pointer": "/quantity", "fault": "too_much"}';
  END IF;

  unit := price_in(n, money);
  IF unit IS NULL THEN
    RETURN '{"refusal": "body_invalid", "pointer": "/currency", "fault": "differs"}';
  END IF;
  IF n.open_amount THEN
    unit := coalesce((asked ->> 'amount_minor')::bigint, unit);
    IF unit < price_in(n, money) THEN
      RETURN '{"refusal": "body_invalid", "pointer": "/amount_minor", "fault": "too_little"}';
    END IF;
  ELSIF asked ? 'amount_minor' THEN
    RETURN '{"refusal": "body_invalid", "pointer": "/amount_minor", "fault": "superfluous"}';
  END IF;

  IF kind = 'ticket' THEN
    SELECT CASE WHEN l.status <> 'scheduled' THEN 'state_forbids'
                WHEN lower(l.during) <= $5 THEN 'too_late'
                WHEN EXISTS (SELECT FROM rsvp r WHERE r.community_id = $1 AND r.lecture_id = l.id
                             AND r.member_id = $2 AND r.state = 'confirmed') THEN 'nothing_to_add'
                WHEN l.capacity <= (SELECT count(*) FROM rsvp r WHERE r.community_id = $1
                  AND r.lecture_id = l.id AND r.state IN ('confirmed', 'offered'))
                  THEN 'lecture_full'
                ELSE 'good' END INTO refusal
    FROM lecture l WHERE l.community_id = $1 AND l.id = (asked ->> 'lecture_id')::uuid
      AND l.status <> 'draft';
    IF refusal IS NULL THEN
      RETURN '{"refusal": "body_invalid", "pointer": "/lecture_id", "fault": "unknown"}';
    END IF;
    IF refusal <> 'good' THEN RETURN jsonb_build_object('refusal', refusal); END IF;
  ELSIF asked ? 'lecture_id' THEN
    RETURN '{"refusal": "body_invalid", "pointer": "/lecture_id", "fault": "superfluous"}';
  END IF;
  IF kind = 'tip' THEN
    IF NOT EXISTS (SELECT FROM lecturer l WHERE l.community_id = $1 AND l.archived_at IS NULL
                   AND l.id = (asked ->> 'lecturer_id')::uuid) THEN
      RETURN '{"refusal": "body_invalid", "pointer": "/lecturer_id", "fault": "unknown"}';
    END IF;
  ELSIF asked ? 'lecturer_id' THEN
    RETURN '{"refusal": "body_invalid", "pointer": "/lecturer_id", "fault": "superfluous"}';
  END IF;

  -- When it is for: appended to what is there, so that renewing early loses no day.
  last := last_end($1, $2, n.product_id);
  begins := greatest($5, last);
  IF kind = 'upgrade' THEN
    SELECT m.* INTO s FROM membership m
    WHERE m.community_id = $1 AND m.member_id = $2 AND m.product_id = n.product_id
      AND m.ended_at IS NULL;
    SELECT g.plan_id INTO held FROM entitled_to($1, $2, n.product_id, $5) g
    WHERE NOT g.in_grace ORDER BY upper(g.span) DESC LIMIT 1;
    IF held IS NULL THEN RETURN '{"refusal": "nothing_to_upgrade"}'; END IF;
    IF held = n.id OR n.tier < (SELECT x.tier FROM plan x
                                WHERE x.community_id = $1 AND x.id = held) THEN
      RETURN '{"refusal": "not_an_upgrade"}';
    END IF;
    begins := $5;
  ELSIF kind = 'purchase' AND n.trial_days > 0 AND n.renews AND last IS NULL
        AND NOT EXISTS (SELECT FROM entitlement e WHERE e.community_id = $1 AND e.member_id = $2
                        AND e.product_id = n.product_id) THEN
    trial := true;
  END IF;
  IF kind IN ('tip', 'ticket') OR p.kind = 'donation' OR kind IN ('gift', 'seats') THEN
    begins := CASE kind WHEN 'seats' THEN $5 END;
  END IF;
  IF begins IS NOT NULL THEN
    ends := CASE WHEN trial THEN begins + n.trial_days * interval '24 hours'
      ELSE period_end(begins, n.period_unit, n.period_count,
                      CASE WHEN kind = 'renewal' THEN s.anchor_day END) END;
    IF ends >= '2300-01-01Z' OR ends <= begins THEN
      RETURN '{"refusal": "nothing_to_add"}';
    END IF;
  END IF;

  full_minor := CASE WHEN trial THEN 0 ELSE unit * count END;
  IF kind = 'upgrade' THEN
    SELECT coalesce(sum(k.credit_minor), 0) INTO credit
    FROM credit_of($1, $2, n.product_id, money, $5) k;
  END IF;
  IF code IS NOT NULL THEN
    SELECT * INTO code_row FROM discount_of($1, $2, code, n.id, full_minor, money, $5);
    IF code_row.refusal IS NOT NULL THEN
      RETURN jsonb_build_object('refusal', code_row.refusal);
    END IF;
    code_id := code_row.code_id;
    off := code_row.discount_minor;
    forever := code_row.forever;
    IF off = 0 AND NOT forever THEN RETURN '{"refusal": "nothing_to_add"}'; END IF;
  ELSIF kind = 'renewal' AND s.code_id IS NOT NULL THEN
    SELECT least(full_minor, coalesce(c.discount_minor, full_minor * c.percent / 100)) INTO off
    FROM invite_code c WHERE c.community_id = $1 AND c.id = s.code_id AND c.plan_id = n.id
      AND c.revoked_at IS NULL
      AND (c.discount_minor IS NULL OR n.currency = money);
    off := coalesce(off, 0);
  ELSIF kind = 'purchase' AND pol.winback_percent > 0 AND p.kind = 'membership'
        AND last <= $5 - pol.winback_days * interval '24 hours' THEN
    off := full_minor * pol.winback_percent / 100;
  END IF;
  -- What is left over of an old plan's price becomes time on the new one.
  spare := credit - (full_minor - off);
  IF spare > 0 THEN
    IF full_minor = 0 THEN RETURN '{"refusal": "not_an_upgrade"}'; END IF;
    credit := full_minor - off;
    seconds := extract(epoch FROM ends - begins)::bigint;
    -- At the plan's own price: a discount of the period is none of the time beyond it.
    ends := ends + make_interval(secs =>
      least((seconds::numeric * spare / full_minor)::bigint, 9000000000));
    IF ends >= '2300-01-01Z' THEN ends := '2299-12-31Z'; END IF;
  END IF;
  units := CASE kind WHEN 'gift' THEN count WHEN 'seats' THEN count * n.seats END;
  RETURN jsonb_strip_nulls(jsonb_build_object(
    'kind', kind, 'currency', money, 'product_id', n.product_id, 'plan_id', n.id,
    'quantity', count, 'unit_minor', CASE WHEN trial THEN 0 ELSE unit END,
    'discount_minor', off, 'credit_minor', credit,
    'spare_minor', greatest(spare, 0), 'total_minor', full_minor - off - credit,
    'trial', trial, 'starts_at', begins, 'ends_at', ends, 'units', units, 'code_id', code_id,
    'forever', forever, 'membership_id', s.id, 'lecture_id', asked ->> 'lecture_id',
    'lecturer_id', asked ->> 'lecturer_id', 'note', asked ->> 'note', 'at', $5));
END $$;

-- Makes the order that a quote promised, and holds its code's use while it waits to be paid.
-- `waits` is how long; null: as the community's policy says. An order of nothing is settled by who
-- calls, with order_settle().
CREATE FUNCTION order_open(community bigint, order_id uuid, line_id uuid, of_member uuid,
                           of_quote uuid, terms jsonb, quoted_at timestamptz,
                           quote_until timestamptz, due timestamptz, waits interval) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  pol selling_policy := policy_of($1);
  until timestamptz := greatest(now(), due)
    + coalesce(waits, make_interval(mins => pol.order_minutes));
  code uuid := (terms ->> 'code_id')::uuid;
BEGIN
  IF terms ->> 'kind' = 'ticket' THEN  -- nobody pays for a lecture that has begun
    SELECT least(until, lower(l.during)) INTO until FROM lecture l
    WHERE l.community_id = $1 AND l.id = (terms ->> 'lecture_id')::uuid;
  END IF;
  INSERT INTO orders (community_id, id, member_id, kind, membership_id, currency, total_minor,
                      due_at, expires_at, quote_id, quoted_at, quote_until, code_id)
  VALUES ($1, $2, $4, terms ->> 'kind', (terms ->> 'membership_id')::uuid, terms ->> 'currency',
          (terms ->> 'total_minor')::bigint, due, until, $5, $7, $8, code);
  INSERT INTO order_line (community_id, id, order_id, product_id, plan_id, quantity, unit_minor,
                          discount_minor, credit_minor, spare_minor, starts_at, ends_at, trial,
                          lecture_id, lecturer_id, note)
  VALUES ($1, $3, $2, (terms ->> 'product_id')::uuid, (terms ->> 'plan_id')::uuid,
          (terms ->> 'quantity')::int, (terms ->> 'unit_minor')::bigint,
          (terms ->> 'discount_minor')::bigint, (terms ->> 'credit_minor')::bigint,
          coalesce((terms ->> 'spare_minor')::bigint, 0),
          (terms ->> 'starts_at')::timestamptz, (terms ->> 'ends_at')::timestamptz,
          (terms ->> 'trial')::boolean, (terms ->> 'lecture_id')::uuid,
          (terms ->> 'lecturer_id')::uuid, terms ->> 'note');
  IF code IS NOT NULL THEN
    UPDATE invite_code c SET held = c.held + 1
    WHERE c.community_id = $1 AND c.id = code AND c.revoked_at IS NULL
      AND c.used + c.held < c.max_uses;
    IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'invite_code_used',
      MESSAGE = 'the code is sold out or revoked'; END IF;
    INSERT INTO code_hold (community_id, id, code_id, member_id, order_id, expires_at)
    VALUES ($1, uuid7(), code, $4, $2, until);
  END IF;
  IF terms ->> 'kind' = 'ticket'
     AND NOT ticket_seat($1, (terms ->> 'lecture_id')::uuid, $4, until) THEN
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'lecture_full',
      MESSAGE = 'the last seat is taken';
  END IF;
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  VALUES ($1, uuid7(), 'order.created', $4, jsonb_build_object('order_id', $2));
END $$;

-- What of a payment has not gone back, and is not on its way.
CREATE FUNCTION payment_left(community bigint, payment uuid) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT p.amount_minor - (SELECT coalesce(sum(r.amount_minor), 0) FROM refund r
      WHERE r.community_id = $1 AND r.payment_id = $2)::bigint
    - (SELECT coalesce(sum(q.amount_minor), 0) FROM refund_request q
      WHERE q.community_id = $1 AND q.payment_id = $2
        AND q.state IN ('asked', 'processing'))::bigint
  FROM payment p WHERE p.community_id = $1 AND p.id = $2
$$;

-- What was paid of an order that is given up goes back.
CREATE FUNCTION order_give_back(community bigint, order_id uuid) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO refund_request (community_id, id, payment_id, amount_minor, reason, surplus)
  SELECT $1, uuid7(), p.id, payment_left($1, p.id), 'The order was not paid in full', true
  FROM payment p
  WHERE p.community_id = $1 AND p.order_id = $2 AND NOT p.surplus AND payment_left($1, p.id) > 0
$$;

-- Closes an order that was not paid in full: cancelled, expired, failed. Its code's use is free
-- again. One whose payer disputes what they paid waits for the end of that.
CREATE FUNCTION order_close(community bigint, order_id uuid, why text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  o orders;
BEGIN
  UPDATE orders x SET closed_at = now(), closed_reason = why, version = x.version + 1
  WHERE x.community_id = $1 AND x.id = $2 AND x.closed_at IS NULL AND x.settled_at IS NULL
    AND x.disputed_at IS NULL
  RETURNING x.* INTO o;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM order_give_back($1, $2);
  WITH freed AS (
    UPDATE code_hold h SET ended_at = now(), ended_how = 'released'
    WHERE h.community_id = $1 AND h.order_id = $2 AND h.ended_at IS NULL
    RETURNING h.code_id
  )
  UPDATE invite_code c SET held = c.held - 1 FROM freed
  WHERE c.community_id = $1 AND c.id = freed.code_id;
  PERFORM attempts_end($1, $2);
  PERFORM ticket_free($1, l.lecture_id, o.member_id) FROM order_line l
  WHERE l.community_id = $1 AND l.order_id = $2 AND l.lecture_id IS NOT NULL;
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  VALUES ($1, uuid7(), 'order.' || why, o.member_id, jsonb_build_object('order_id', $2));
  RETURN true;
END $$;
