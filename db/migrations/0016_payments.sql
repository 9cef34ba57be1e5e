-- Money in, money back, and what follows from it. Each function is one operation: it takes the
-- order's row first, so two notifications, two devices, a refund and a renewal follow each other.

CREATE FUNCTION ledger_post(community bigint, event text, debit text, credit text, amount bigint,
                            o orders, provider text, payment uuid, refund uuid) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO ledger (community_id, id, event, debit, credit, amount_minor, currency, provider,
                      order_id, payment_id, refund_id)
  SELECT $1, uuid7(), $2, $3, $4, $5, ($6).currency, $7, ($6).id, $8, $9 WHERE $5 > 0
$$;

-- A seat of a lecture, held for who pays for it (until null: for good). False: there is none.
CREATE FUNCTION ticket_seat(community bigint, lecture uuid, member uuid, until timestamptz)
RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  room int;
  chosen int;
BEGIN
  SELECT l.capacity INTO room FROM lecture l
  WHERE l.community_id = $1 AND l.id = $2 FOR NO KEY UPDATE;
  SELECT r.seat_number INTO chosen FROM rsvp r
  WHERE r.community_id = $1 AND r.lecture_id = $2 AND r.member_id = $3;
  IF room IS NOT NULL AND chosen IS NULL THEN
    SELECT min(g) INTO chosen FROM generate_series(1, room) g
    WHERE NOT EXISTS (SELECT FROM seat s WHERE s.community_id = $1 AND s.lecture_id = $2
                      AND s.number = g AND s.member_id IS NOT NULL);
    IF chosen IS NULL THEN RETURN false; END IF;
    INSERT INTO seat (community_id, lecture_id, number, member_id, claimed_at)
    VALUES ($1, $2, chosen, $3, now())
    ON CONFLICT (community_id, lecture_id, number)
    DO UPDATE SET member_id = $3, claimed_at = now();
  END IF;
  INSERT INTO rsvp AS r (community_id, lecture_id, member_id, state, seated, seat_number,
                         offer_expires_at, confirmed_at)
  VALUES ($1, $2, $3, CASE WHEN until IS NULL THEN 'confirmed' ELSE 'offered' END,
          room IS NOT NULL, chosen, until, CASE WHEN until IS NULL THEN now() END)
  ON CONFLICT (community_id, lecture_id, member_id) DO UPDATE
  SET state = excluded.state, seated = excluded.seated, seat_number = excluded.seat_number,
    offer_expires_at = excluded.offer_expires_at, confirmed_at = excluded.confirmed_at,
    cancelled_at = NULL, updated_at = now(), version = r.version + 1
  WHERE r.state <> 'confirmed';
  RETURN true;
END $$;

-- The seat is free again.
CREATE FUNCTION ticket_free(community bigint, lecture uuid, member uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE rsvp r SET state = 'cancelled', seat_number = NULL, offer_expires_at = NULL,
    cancelled_at = now(), updated_at = now(), version = r.version + 1
  WHERE r.community_id = $1 AND r.lecture_id = $2 AND r.member_id = $3
    AND r.state IN ('offered', 'confirmed');
  UPDATE seat s SET member_id = NULL, claimed_at = NULL
  WHERE s.community_id = $1 AND s.lecture_id = $2 AND s.member_id = $3;
END $$;

-- Gives a span that a line bought, at a place that is known.
CREATE FUNCTION line_grant(community bigint, member uuid, l order_line, unit int, n plan,
                           source text, begins timestamptz, ends timestamptz, giver uuid)
RETURNS entitlement
LANGUAGE sql AS $$
  INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, grace_days,
                           source, order_line_id, unit, given_by)
  VALUES ($1, $2, uuid7(), ($5).product_id, ($5).id, tstzrange($7, $8),
          CASE $6 WHEN 'trial' THEN 0 ELSE ($5).grace_days END, $6,
          CASE WHEN $6 <> 'trial' THEN ($3).id END, CASE WHEN $6 <> 'trial' THEN $4 END, $9)
  RETURNING *
$$;

-- Gives it behind what the member has, or from `at` on: for `length`, or one period (where it is as
-- quoted, as long as quoted; the anchor counts when it follows on). A code that is redeemed
-- meanwhile may take the place: then it is looked for again, on what is there by then.
CREATE FUNCTION line_append(community bigint, member uuid, l order_line, unit int, n plan,
                            source text, at timestamptz, length interval, anchor int, giver uuid)
RETURNS entitlement
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  last timestamptz;
  begins timestamptz;
  ends timestamptz;
BEGIN
  FOR try IN 1 .. 10 LOOP
    last := last_end($1, $2, n.product_id);
    begins := greatest($7, last);
    ends := CASE WHEN $8 IS NOT NULL THEN begins + $8
      WHEN begins = l.starts_at AND source IN ('order', 'trial') THEN l.ends_at
      WHEN source = 'trial' THEN begins + n.trial_days * interval '24 hours'
      ELSE period_end(begins, n.period_unit, n.period_count,
                      CASE WHEN begins = last THEN anchor END) END;
    BEGIN
      RETURN line_grant($1, $2, l, $4, n, source, begins, ends, giver);
    EXCEPTION WHEN exclusion_violation THEN
      IF try = 10 THEN RAISE; END IF;
    END;
  END LOOP;
END $$;

-- The standing arrangement of who bought something that renews.
CREATE FUNCTION membership_stand(community bigint, member uuid, n plan, begins timestamptz,
                                 money text, code uuid, follows boolean) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO membership AS m (community_id, id, member_id, product_id, plan_id, auto_renew,
                               anchor_day, currency, code_id)
  VALUES ($1, uuid7(), $2, ($3).product_id, ($3).id, true,
          extract(day FROM $4 AT TIME ZONE 'UTC'), $5, $6)
  ON CONFLICT (community_id, member_id, product_id) WHERE ended_at IS NULL DO UPDATE
  SET plan_id = excluded.plan_id,
    next_plan_id = nullif(m.next_plan_id, excluded.plan_id),
    auto_renew = true, cancel_at_period_end = false, currency = excluded.currency,
    anchor_day = CASE WHEN $7 THEN coalesce(m.anchor_day, excluded.anchor_day)
                      ELSE excluded.anchor_day END,
    code_id = coalesce(excluded.code_id, m.code_id), version = m.version + 1
$$;

-- An upgrade takes the place of what its price took into account, and puts all else behind itself:
-- what was bought since it was quoted, too. Where some of what was credited has gone back
-- meanwhile, it lasts as much less.
CREATE FUNCTION upgrade_apply(community bigint, o orders, l order_line, n plan, at timestamptz)
RETURNS void
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  one record;
  credit bigint := 0;
  own bigint;
  length interval := l.ends_at - l.starts_at;
BEGIN
  FOR one IN
    SELECT k.* FROM credit_of($1, o.member_id, n.product_id, o.currency, o.quoted_at) k
    JOIN orders x ON x.community_id = $1 AND x.id = k.order_id AND x.settled_at <= o.quoted_at
  LOOP
    credit := credit + one.credit_minor;
    -- Of what was credited to it before, the money was another order's.
    SELECT least(one.credit_minor, x.paid_minor - x.refunded_minor - x.credited_minor) INTO own
    FROM orders x WHERE x.community_id = $1 AND x.id = one.order_id;
    UPDATE orders x SET credited_minor = x.credited_minor + own
    WHERE x.community_id = $1 AND x.id = one.order_id;
    INSERT INTO order_credit (community_id, order_id, to_order_id, credit_minor, own_minor)
    VALUES ($1, one.order_id, o.id, one.credit_minor, own);
    PERFORM line_revoke($1, one.line_id, $5, 1, 'upgraded', NULL);
  END LOOP;
  IF credit < l.credit_minor + l.spare_minor THEN
    length := make_interval(secs => floor(extract(epoch FROM length) * (l.amount_minor + credit)
      / (l.amount_minor + l.credit_minor + l.spare_minor))::float8);
    IF length <= interval '0' THEN RETURN; END IF;
  END IF;
  FOR one IN
    SELECT e.id FROM entitlement e
    WHERE e.community_id = $1 AND e.member_id = o.member_id AND e.product_id = n.product_id
      AND e.voided_at IS NULL AND e.span @> $5
  LOOP
    PERFORM span_split($1, o.member_id, one.id, $5);
  END LOOP;
  PERFORM spans_pull($1, o.member_id, n.product_id, $5);
  PERFORM spans_shift($1, o.member_id, n.product_id, $5, length);
  PERFORM line_grant($1, o.member_id, l, 1, n, 'order', $5, $5 + length, NULL);
END $$;

-- Gives a settled order its receipt: the next number of the year in which it was settled, by the
-- community's clocks. Whoever takes one holds the year's row until it is committed.
CREATE FUNCTION receipt_give(community bigint, o orders) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  its_year int := (SELECT extract(year FROM o.settled_at AT TIME ZONE c.zone) FROM community c
                   WHERE c.id = $1);
  number int;
BEGIN
  INSERT INTO receipt_year AS y (community_id, year, last)
  VALUES ($1, its_year, 1)
  ON CONFLICT (community_id, year) DO UPDATE SET last = y.last + 1
  RETURNING y.last INTO number;
  INSERT INTO receipt (community_id, year, number, order_id, total_minor, currency)
  VALUES ($1, its_year, number, o.id, o.total_minor, o.currency);
END $$;

-- Gives what an order bought once it is paid in full. `at` is when it was. True: it was given now.
CREATE FUNCTION order_settle(community bigint, order_id uuid, at timestamptz) RETURNS boolean
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  o orders;
  l order_line;
  n plan;
  sort text;
  count int;
  given entitlement;
  base timestamptz;
BEGIN
  UPDATE orders x SET settled_at = now(), version = x.version + 1
  WHERE x.community_id = $1 AND x.id = $2 AND x.settled_at IS NULL AND x.closed_at IS NULL
    AND x.paid_minor = x.total_minor
  RETURNING x.* INTO o;
  IF NOT FOUND THEN RETURN false; END IF;
  -- What is credited can't go back meanwhile. Orders are held first, then members.
  IF o.kind = 'upgrade' THEN
    PERFORM FROM orders x WHERE x.community_id = $1 AND x.member_id = o.member_id
      AND x.currency = o.currency AND x.settled_at <= o.quoted_at
    ORDER BY x.id FOR NO KEY UPDATE;
  END IF;
  PERFORM hold_member($1, o.member_id);
  -- Paid while the quote held, it is what the quote said to the second; later, from now on.
  base := CASE WHEN o.quote_until >= $3 THEN o.quoted_at ELSE $3 END;
  FOR l IN SELECT x.* FROM order_line x WHERE x.community_id = $1 AND x.order_id = $2 LOOP
    SELECT x.* INTO n FROM plan x WHERE x.community_id = $1 AND x.id = l.plan_id;
    SELECT x.kind INTO sort FROM product x WHERE x.community_id = $1 AND x.id = n.product_id;
    IF o.kind IN ('purchase', 'renewal', 'by_hand') AND sort <> 'donation' THEN
      given := line_append($1, o.member_id, l, 1, n, CASE WHEN l.trial THEN 'trial'
                           ELSE 'order' END, base, NULL, (
        SELECT m.anchor_day FROM membership m
        WHERE m.community_id = $1 AND m.id = o.membership_id), NULL);
      IF n.renews THEN
        PERFORM membership_stand($1, o.member_id, n,
          CASE WHEN l.trial THEN upper(given.span) ELSE lower(given.span) END, o.currency, (
            SELECT c.id FROM invite_code c
            WHERE c.community_id = $1 AND c.id = o.code_id AND c.forever),
          o.kind = 'renewal' AND lower(given.span) > base);
      END IF;
    ELSIF o.kind = 'upgrade' THEN
      PERFORM upgrade_apply($1, o, l, n, base);
      IF n.renews THEN
        PERFORM membership_stand($1, o.member_id, n, base, o.currency, (
          SELECT c.id FROM invite_code c
          WHERE c.community_id = $1 AND c.id = o.code_id AND c.forever), false);
      ELSE
        UPDATE membership m SET plan_id = n.id, next_plan_id = NULL, auto_renew = false,
          version = m.version + 1
        WHERE m.community_id = $1 AND m.member_id = o.member_id AND m.product_id = n.product_id
          AND m.ended_at IS NULL;
      END IF;
      PERFORM renewal_let_go($1, m.id), order_close($1, (renewal_waiting($1, m.id)).id, 'cancelled')
      FROM membership m WHERE m.community_id = $1 AND m.member_id = o.member_id
        AND m.product_id = n.product_id AND m.ended_at IS NULL;
    ELSIF o.kind = 'gift' THEN
      INSERT INTO gift (community_id, id, order_line_id, unit, giver_id, message, claim_until)
      SELECT $1, uuid7(), l.id, g, o.member_id, l.note,
        now() + (policy_of($1)).gift_days * interval '24 hours'
      FROM generate_series(1, l.quantity) g;
    ELSIF o.kind = 'seats' THEN
      INSERT INTO group_seat (community_id, order_line_id, unit, owner_id, product_id, plan_id,
                              span, grace_days)
      SELECT $1, l.id, g, o.member_id, n.product_id, n.id,
        tstzrange(base, base + (l.ends_at - l.starts_at)), n.grace_days
      FROM generate_series(1, l.quantity * n.seats) g;
    ELSIF o.kind = 'ticket' THEN
      PERFORM ticket_seat($1, l.lecture_id, o.member_id, NULL);
    END IF;
  END LOOP;
  -- The discount's use is for good now.
  WITH kept AS (
    UPDATE code_hold h SET ended_at = now(), ended_how = 'redeemed'
    WHERE h.community_id = $1 AND h.order_id = $2 AND h.ended_at IS NULL
    RETURNING h.code_id, h.member_id
  ), used AS (
    UPDATE invite_code c SET held = c.held - 1, used = c.used + 1 FROM kept
    WHERE c.community_id = $1 AND c.id = kept.code_id
  )
  INSERT INTO redemption (community_id, member_id, id, code_id, order_id, once_campaign_id)
  SELECT $1, kept.member_id, uuid7(), kept.code_id, $2, (
    SELECT k.id FROM invite_code c JOIN campaign k ON k.community_id = $1 AND k.id = c.campaign_id
    WHERE c.community_id = $1 AND c.id = kept.code_id AND k.once_per_member
      AND NOT EXISTS (  -- another was redeemed meanwhile: what was paid is not refused for it
        SELECT FROM redemption r WHERE r.community_id = $1 AND r.once_campaign_id = k.id
          AND r.member_id = kept.member_id AND r.released_at IS NULL))
  FROM kept;
  PERFORM attempts_end($1, $2);
  PERFORM ledger_post($1, 'sale', 'owed', 'sales', o.total_minor, o, NULL, NULL, NULL);
  IF o.total_minor > 0 THEN PERFORM receipt_give($1, o); END IF;
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  VALUES ($1, uuid7(), 'order.paid', o.member_id, jsonb_build_object('order_id', $2));
  RETURN true;
END $$;

-- Money came in. `counted`: for its order; `surplus`: the order was paid or closed by then, so it
-- goes back; `repeated`: known already. `settled` tells that the order is paid in full now.
CREATE FUNCTION payment_record(community bigint, order_id uuid, payment uuid, provider text,
                               ref text, amount bigint, money text, paid_at timestamptz,
                               fee bigint, by_hand uuid, reason text, evidence text)
RETURNS TABLE (outcome text, payment_id uuid, settled boolean)
LANGUAGE plpgsql AS $$
DECLARE
  o orders;
  known payment;
  extra boolean;
BEGIN
  SELECT x.* INTO o FROM orders x WHERE x.community_id = $1 AND x.id = $2 FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found', NULL::uuid, false; RETURN; END IF;
  SELECT p.* INTO known FROM payment p
  WHERE p.community_id = $1 AND p.provider = $4 AND p.provider_ref = ref;
  IF FOUND THEN
    RETURN QUERY SELECT CASE WHEN known.order_id = $2 AND known.amount_minor = amount
      THEN 'repeated' ELSE 'reference_taken' END, known.id, false;
    RETURN;
  END IF;
  IF o.currency <> money THEN RETURN QUERY SELECT 'differs', NULL::uuid, false; RETURN; END IF;
  -- An order of which some went back before it was paid is given up.
  extra := o.closed_at IS NOT NULL OR o.paid_minor + amount > o.total_minor
    OR o.settled_at IS NULL AND o.refunded_minor > 0;
  INSERT INTO payment (community_id, id, order_id, provider, provider_ref, amount_minor, currency,
                       received_by, reason, paid_at, surplus, fee_minor, evidence_url)
  VALUES ($1, $3, $2, $4, ref, amount, money, by_hand, $11, $8, extra, fee, evidence);
  PERFORM ledger_post($1, 'payment', 'money', CASE WHEN extra THEN 'returnable' ELSE 'owed' END,
                      amount, o, $4, $3, NULL);
  PERFORM ledger_post($1, 'fee', 'fees', 'money', fee, o, $4, $3, NULL);
  IF extra THEN
    INSERT INTO refund_request (community_id, id, payment_id, amount_minor, reason, surplus)
    VALUES ($1, uuid7(), $3, amount, 'The order was paid or closed already', true);
    INSERT INTO outbox (community_id, id, topic, subject_id, payload)
    VALUES ($1, uuid7(), 'payment.surplus', o.member_id,
            jsonb_build_object('order_id', $2, 'payment_id', $3));
    RETURN QUERY SELECT 'surplus', $3, false;
    RETURN;
  END IF;
  UPDATE orders x SET paid_minor = x.paid_minor + amount, version = x.version + 1
  WHERE x.community_id = $1 AND x.id = $2;
  UPDATE payment_attempt a SET state = 'paid', ended_at = now()
  WHERE a.community_id = $1 AND a.order_id = $2 AND a.provider = $4 AND a.state = 'open'
    AND (a.provider_ref = ref OR $4 = 'hand' AND o.paid_minor + amount = o.total_minor);
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  VALUES ($1, uuid7(), 'payment.received', o.member_id,
          jsonb_build_object('order_id', $2, 'payment_id', $3));
  -- Money that is written down late bought nothing before: no day of it is lost.
  RETURN QUERY SELECT 'counted', $3, order_settle($1, $2,
    CASE WHEN by_hand IS NULL THEN $8 ELSE greatest($8, now()) END);
END $$;

-- What a line made that is no span: gifts that nobody took, seats, a place at a lecture. It comes
-- before line_revoke(): who is just taking one of them is waited for, and has a span to revoke.
CREATE FUNCTION line_withdraw(community bigint, o orders, l order_line) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE gift g SET withdrawn_at = now()
  WHERE g.community_id = $1 AND g.order_line_id = l.id AND g.claimed_at IS NULL;
  UPDATE group_seat s SET revoked_at = now(), version = s.version + 1
  WHERE s.community_id = $1 AND s.order_line_id = l.id AND s.revoked_at IS NULL;
  IF o.kind = 'ticket' THEN PERFORM ticket_free($1, l.lecture_id, o.member_id); END IF;
END $$;

-- Is what a line bought out of force, because its payer wants the money back?
CREATE FUNCTION line_disputed(community bigint, line uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT FROM order_line l JOIN orders o ON o.community_id = $1 AND o.id = l.order_id
    WHERE l.community_id = $1 AND l.id = $2 AND o.disputed_at IS NOT NULL)
$$;

-- Money went back: in full or in part, with or without what it bought. `counted`, `repeated`, or
-- why not.
CREATE FUNCTION refund_record(community bigint, refund uuid, payment uuid, ref text,
                              amount bigint, reason text, actor uuid, at timestamptz,
                              keeps boolean, request uuid) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  p payment;
  o orders;
  l order_line;
  share numeric;
BEGIN
  SELECT x.* INTO p FROM payment x WHERE x.community_id = $1 AND x.id = $3;
  IF NOT FOUND THEN RETURN 'not_found'; END IF;
  SELECT x.* INTO o FROM orders x
  WHERE x.community_id = $1 AND x.id = p.order_id FOR NO KEY UPDATE;
  IF EXISTS (SELECT FROM refund r WHERE r.community_id = $1 AND r.provider = p.provider
             AND r.provider_ref = ref) THEN
    RETURN 'repeated';
  END IF;
  IF amount > p.amount_minor - (SELECT coalesce(sum(r.amount_minor), 0) FROM refund r
                                WHERE r.community_id = $1 AND r.payment_id = $3)
     OR NOT p.surplus AND amount > o.paid_minor - o.refunded_minor - o.credited_minor THEN
    RETURN 'too_much';
  END IF;
  INSERT INTO refund (community_id, id, payment_id, provider, provider_ref, amount_minor, reason,
                      refunded_by, refunded_at, request_id)
  VALUES ($1, $2, $3, p.provider, ref, amount, $6, $7, $8, request);
  UPDATE refund_request q SET state = 'done', finished_at = now(), provider_ref = ref
  WHERE q.community_id = $1 AND q.id = request;
  PERFORM ledger_post($1, 'refund', CASE WHEN p.surplus THEN 'returnable'
      WHEN o.settled_at IS NULL THEN 'owed' ELSE 'sales' END, 'money', amount, o, p.provider, $3,
    $2);
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  VALUES ($1, uuid7(), 'payment.refunded', o.member_id,
          jsonb_build_object('order_id', o.id, 'refund_id', $2));
  IF p.surplus THEN RETURN 'counted'; END IF;
  UPDATE orders x SET refunded_minor = x.refunded_minor + amount, version = x.version + 1
  WHERE x.community_id = $1 AND x.id = o.id RETURNING x.* INTO o;
  IF o.settled_at IS NULL AND o.refunded_minor = o.paid_minor THEN
    PERFORM order_close($1, o.id, 'cancelled');
  END IF;
  IF keeps OR o.settled_at IS NULL THEN RETURN 'counted'; END IF;
  PERFORM hold_member($1, o.member_id);
  -- Of an upgrade, what its price bought is less than all: the rest was paid for before.
  SELECT CASE WHEN sum(x.credit_minor) > 0 OR o.refunded_minor + o.credited_minor < o.paid_minor
    THEN amount::numeric / (o.total_minor + sum(x.credit_minor + x.spare_minor - x.lost_minor))
    ELSE 1 END INTO share
  FROM order_line x WHERE x.community_id = $1 AND x.order_id = o.id;
  IF share < 1 AND o.kind IN ('gift', 'seats', 'ticket', 'tip') THEN RETURN 'counted'; END IF;
  FOR l IN SELECT x.* FROM order_line x WHERE x.community_id = $1 AND x.order_id = o.id LOOP
    IF share = 1 THEN PERFORM line_withdraw($1, o, l); END IF;
    PERFORM line_revoke($1, l.id, now(), share, 'refunded', actor);
    CONTINUE WHEN share < 1;
    -- Nor does it come back when a dispute that is open is won.
    UPDATE entitlement e SET void_reason = 'refunded' FROM spans_of_line($1, l.id) s
    WHERE e.community_id = $1 AND e.member_id = s.member_id AND e.id = s.id
      AND e.void_reason = 'disputed';
  END LOOP;
  IF share = 1 THEN
    UPDATE membership m SET auto_renew = false, version = m.version + 1
    WHERE m.community_id = $1 AND m.member_id = o.member_id AND m.ended_at IS NULL
      AND m.auto_renew AND coalesce(last_end($1, m.member_id, m.product_id) <= now(), true);
    WITH back AS (
      UPDATE redemption r SET released_at = now()
      WHERE r.community_id = $1 AND r.member_id = o.member_id AND r.order_id = o.id
        AND r.released_at IS NULL RETURNING r.code_id
    )
    UPDATE invite_code c SET used = c.used - 1 FROM back
    WHERE c.community_id = $1 AND c.id = back.code_id;
  END IF;
  RETURN 'counted';
END $$;
