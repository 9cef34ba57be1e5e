-- Disputes: payers who take their money back through their bank. Won, lost, in parts, and of money
-- that an upgrade's price took into account. Like what is in 0016, each function takes the order's
-- row first.

-- An order and the upgrades whose price took it into account, one after another.
CREATE FUNCTION orders_after(community bigint, first uuid) RETURNS SETOF orders
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE chain AS (
    SELECT $2 AS id, 0 AS place
    UNION ALL
    SELECT k.to_order_id, c.place + 1 FROM chain c
    JOIN order_credit k ON k.community_id = $1 AND k.order_id = c.id
  )
  SELECT o.* FROM chain c JOIN orders o ON o.community_id = $1 AND o.id = c.id ORDER BY c.place
$$;

-- The disputes of an order's money, or of what was credited to it.
CREATE FUNCTION disputes_upon(community bigint, order_id uuid)
RETURNS TABLE (id uuid, state text, of_order uuid)
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE chain AS (
    SELECT $2 AS id
    UNION
    SELECT k.order_id FROM chain c
    JOIN order_credit k ON k.community_id = $1 AND k.to_order_id = c.id
  )
  SELECT d.id, d.state, c.id FROM chain c
  JOIN payment p ON p.community_id = $1 AND p.order_id = c.id AND NOT p.surplus
  JOIN dispute d ON d.community_id = $1 AND d.payment_id = p.id
$$;

-- What an order gave is out of force from `at` on.
CREATE FUNCTION order_suspend(community bigint, o orders, at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  l order_line;
BEGIN
  FOR l IN SELECT x.* FROM order_line x WHERE x.community_id = $1 AND x.order_id = o.id LOOP
    -- Who is just taking a gift or a seat is waited for; who comes later sees the dispute.
    PERFORM FROM gift g WHERE g.community_id = $1 AND g.order_line_id = l.id FOR UPDATE;
    PERFORM FROM group_seat s WHERE s.community_id = $1 AND s.order_line_id = l.id FOR UPDATE;
    PERFORM line_revoke($1, l.id, $3, 1, 'disputed', NULL);
  END LOOP;
END $$;

-- What was left of it then comes back, behind what is there now.
CREATE FUNCTION order_restore(community bigint, o orders, at timestamptz) RETURNS void
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  one record;
  begins timestamptz;
BEGIN
  FOR one IN
    SELECT e.member_id, e.id, e.product_id, upper(e.span) - lower(e.span) AS length
    FROM order_line l CROSS JOIN LATERAL spans_of_line($1, l.id) s
    JOIN entitlement e ON e.community_id = $1 AND e.member_id = s.member_id AND e.id = s.id
    WHERE l.community_id = $1 AND l.order_id = o.id AND e.void_reason = 'disputed'
    ORDER BY lower(e.span)
  LOOP
    begins := greatest($3, last_end($1, one.member_id, one.product_id));
    UPDATE entitlement e SET voided_at = NULL, void_reason = NULL, voided_by = NULL,
      span = tstzrange(begins, begins + one.length)
    WHERE e.community_id = $1 AND e.member_id = one.member_id AND e.id = one.id;
  END LOOP;
END $$;

-- Of what an order's price was, `lost` of what was credited to it is gone: so is its share of the
-- time, and of what this order was credited to another upgrade. Answers what that one loses.
CREATE FUNCTION credit_lost(community bigint, o orders, lost bigint, at timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  l order_line;
  worth bigint;
  passed bigint := 0;
  k order_credit;
BEGIN
  SELECT x.* INTO l FROM order_line x WHERE x.community_id = $1 AND x.order_id = o.id;
  worth := o.paid_minor + l.credit_minor + l.spare_minor - l.lost_minor - o.refunded_minor;
  IF lost <= 0 OR worth <= 0 THEN RETURN 0; END IF;
  UPDATE order_line x SET lost_minor = x.lost_minor + lost
  WHERE x.community_id = $1 AND x.id = l.id;
  PERFORM line_revoke($1, l.id, $4, least(1, lost::numeric / worth), 'disputed', NULL);
  UPDATE entitlement e SET void_reason = 'revoked' FROM spans_of_line($1, l.id) s
  WHERE e.community_id = $1 AND e.member_id = s.member_id AND e.id = s.id
    AND e.void_reason = 'disputed';  -- it does not come back
  SELECT x.* INTO k FROM order_credit x WHERE x.community_id = $1 AND x.order_id = o.id;
  IF FOUND THEN
    passed := least(k.credit_minor, floor(lost::numeric * k.credit_minor / worth));
    PERFORM credit_less($1, o.id, passed);
  END IF;
  RETURN passed;
END $$;

-- An upgrade's price took so much less of an order into account.
CREATE FUNCTION credit_less(community bigint, order_id uuid, by_much bigint) RETURNS void
LANGUAGE sql AS $$
  WITH less AS (
    UPDATE order_credit k SET credit_minor = k.credit_minor - $3,
      own_minor = least(k.own_minor, k.credit_minor - $3)
    FROM order_credit old
    WHERE k.community_id = $1 AND k.order_id = $2 AND old.community_id = $1
      AND old.order_id = $2 AND old.to_order_id = k.to_order_id
    RETURNING old.own_minor - k.own_minor AS own
  )
  UPDATE orders o SET credited_minor = o.credited_minor - less.own FROM less
  WHERE o.community_id = $1 AND o.id = $2
$$;

-- A dispute was opened: what the payment bought is out of force while it lasts, and so is an
-- upgrade that it helped to pay.
CREATE FUNCTION dispute_open(community bigint, dispute uuid, payment uuid, ref text,
                             amount bigint, reason text, at timestamptz) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  p payment;
  o orders;
  each orders;
BEGIN
  SELECT x.* INTO p FROM payment x WHERE x.community_id = $1 AND x.id = $3;
  IF NOT FOUND THEN RETURN 'not_found'; END IF;
  SELECT x.* INTO o FROM orders x
  WHERE x.community_id = $1 AND x.id = p.order_id FOR NO KEY UPDATE;
  INSERT INTO dispute (community_id, id, payment_id, provider_ref, amount_minor, reason)
  VALUES ($1, $2, $3, ref, amount, $6)
  ON CONFLICT (community_id, payment_id, provider_ref) DO NOTHING;
  IF NOT FOUND THEN RETURN 'repeated'; END IF;
  IF NOT p.surplus THEN  -- a surplus bought nothing
    UPDATE orders x SET disputed_at = now(), version = x.version + 1
    FROM orders_after($1, o.id) c WHERE x.community_id = $1 AND x.id = c.id;
    PERFORM hold_member($1, o.member_id);
    FOR each IN SELECT * FROM orders_after($1, o.id) LOOP
      PERFORM order_suspend($1, each, $7);
    END LOOP;
  END IF;
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  VALUES ($1, uuid7(), 'payment.disputed', o.member_id,
          jsonb_build_object('order_id', o.id, 'payment_id', $3));
  RETURN 'counted';
END $$;

-- The money that a dispute takes is gone; and what of it was credited to upgrades, from them.
CREATE FUNCTION dispute_lost(community bigint, p payment, o orders, ref text, amount bigint,
                             at timestamptz) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  line order_line;
  gone bigint := least(amount, p.amount_minor - (
    SELECT coalesce(sum(r.amount_minor), 0) FROM refund r
    WHERE r.community_id = $1 AND r.payment_id = p.id)::bigint);
  lost bigint;
  each orders;
BEGIN
  FOR line IN SELECT x.* FROM order_line x
    WHERE x.community_id = $1 AND x.order_id = o.id AND NOT p.surplus LOOP
    PERFORM line_withdraw($1, o, line);
  END LOOP;
  UPDATE membership m SET auto_renew = false, version = m.version + 1
  WHERE m.community_id = $1 AND m.member_id = o.member_id AND m.ended_at IS NULL
    AND m.auto_renew AND coalesce(last_end($1, m.member_id, m.product_id) <= now(), true);
  UPDATE refund_request q SET state = 'failed', finished_at = now(), error = 'a dispute was lost'
  WHERE q.community_id = $1 AND q.payment_id = p.id AND q.state IN ('asked', 'processing');
  IF gone <= 0 THEN RETURN 'counted'; END IF;  -- refunded before
  lost := CASE WHEN p.surplus THEN 0
    ELSE greatest(0, gone - (o.paid_minor - o.refunded_minor - o.credited_minor)) END;
  IF lost > 0 THEN
    PERFORM credit_less($1, o.id, lost);
    FOR each IN SELECT * FROM orders_after($1, o.id) OFFSET 1 LOOP
      lost := credit_lost($1, each, lost, at);
    END LOOP;
  END IF;
  RETURN refund_record($1, uuid7(), p.id, left('dispute:' || ref, 200), gone,
    'A dispute was lost', NULL, at, true, NULL);
END $$;

-- It ended. Won: what was left comes back behind what is there now. Lost: the money went back.
CREATE FUNCTION dispute_end(community bigint, payment uuid, ref text, won boolean,
                            at timestamptz) RETURNS text
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  p payment;
  o orders;
  d dispute;
  each orders;
  said text := 'counted';
BEGIN
  SELECT x.* INTO p FROM payment x WHERE x.community_id = $1 AND x.id = $2;
  IF NOT FOUND THEN RETURN 'not_found'; END IF;
  SELECT x.* INTO o FROM orders x
  WHERE x.community_id = $1 AND x.id = p.order_id FOR NO KEY UPDATE;
  UPDATE dispute x SET state = CASE WHEN won THEN 'won' ELSE 'lost' END, ended_at = now()
  WHERE x.community_id = $1 AND x.payment_id = $2 AND x.provider_ref = ref AND x.state = 'open'
  RETURNING x.* INTO d;
  IF NOT FOUND THEN RETURN 'repeated'; END IF;
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  VALUES ($1, uuid7(), CASE WHEN won THEN 'dispute.won' ELSE 'dispute.lost' END, o.member_id,
          jsonb_build_object('order_id', o.id, 'payment_id', $2));
  PERFORM hold_member($1, o.member_id);
  IF NOT p.surplus THEN
    -- What has no open dispute any more comes back, unless its own money is gone.
    UPDATE orders x SET disputed_at = NULL, version = x.version + 1
    FROM orders_after($1, o.id) c
    WHERE x.community_id = $1 AND x.id = c.id
      AND NOT EXISTS (SELECT FROM disputes_upon($1, c.id) u WHERE u.state = 'open');
    FOR each IN
      SELECT c.* FROM orders_after($1, o.id) c
      WHERE NOT EXISTS (SELECT FROM disputes_upon($1, c.id) u
                        WHERE u.state = 'lost' AND u.of_order = c.id)
    LOOP
      PERFORM order_restore($1, each, $5);
    END LOOP;
  END IF;
  IF NOT won THEN said := dispute_lost($1, p, o, ref, d.amount_minor, $5); END IF;
  IF NOT p.surplus THEN
    FOR each IN
      SELECT c.* FROM orders_after($1, o.id) c WHERE c.disputed_at IS NOT NULL
    LOOP
      PERFORM order_suspend($1, each, $5);
    END LOOP;
  END IF;
  RETURN said;
END $$;
