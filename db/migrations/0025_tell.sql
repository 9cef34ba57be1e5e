-- What is told to whom, and what is kept of it: to whom invoices are made out is sealed.

-- ---- invoice requests ----

-- Title, tax number and e-mail lie sealed under the server's key, bound to community and row. Rows
-- of before (and of servers of before, which may still run) are in clear until the server has
-- sealed them, within ten minutes: SQL has no key. `erased_at`: whoever asked was erased.
ALTER TABLE invoice_request
  ADD sealed bytea,
  ADD erased_at timestamptz,
  ALTER title DROP NOT NULL,
  DROP CONSTRAINT invoice_request_company,
  ADD CONSTRAINT invoice_request_company
    CHECK (kind = 'personal' OR tax_number IS NOT NULL OR title IS NULL),
  ADD CONSTRAINT invoice_request_whom CHECK (num_nonnulls(title, sealed, erased_at) = 1),
  ADD CONSTRAINT invoice_request_clear
    CHECK (title IS NOT NULL OR num_nonnulls(tax_number, email) = 0);
CREATE INDEX invoice_request_in_clear ON invoice_request (community_id, id)
  WHERE title IS NOT NULL;

-- A server of before reads the view, and wants some title.
CREATE OR REPLACE VIEW invoice_request_shown AS
SELECT i.community_id, i.id, i.order_id, i.member_id, i.kind, coalesce(i.title, '—') AS title,
  i.tax_number, i.email, i.state, i.number, i.reason,
  receipt_shown(r.year, r.number) AS receipt_number,
  o.paid_minor - o.refunded_minor AS amount_minor, o.currency, i.created_at, i.decided_at,
  i.version, i.title AS clear_title, i.sealed
FROM invoice_request i
JOIN orders o ON o.community_id = i.community_id AND o.id = i.order_id
LEFT JOIN receipt r ON r.community_id = i.community_id AND r.order_id = i.order_id;

-- ---- a refund that its provider refuses ----

INSERT INTO notice_topic VALUES ('refund.failed', 'refund_failed', true, true);

-- What a notice says of its order, refund or membership, in the member's language.
-- was: 715fbda29fbe
CREATE OR REPLACE FUNCTION notice_facts(community bigint, topic text, payload jsonb, zone text,
                                        locale text) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'plan', coalesce(n.name ->> locale, n.name ->> 'en', n.name ->> 'zh-CN', s.name ->> locale,
      s.name ->> 'en', s.name ->> 'zh-CN', CASE locale WHEN 'zh-CN' THEN '订单' ELSE 'order' END),
    'amount', money_words(
      coalesce(f.amount_minor, q.amount_minor, p.amount_minor, o.total_minor, 0),
      coalesce(o.currency, 'CNY'), locale),
    'date', coalesce(day_words(coalesce((payload ->> 'ends_at')::timestamptz,
      (payload ->> 'due_at')::timestamptz), zone, locale), ''))
  FROM (SELECT) AS one
  LEFT JOIN orders o ON o.community_id = community AND o.id = (payload ->> 'order_id')::uuid
  LEFT JOIN LATERAL (SELECT l.plan_id FROM order_line l
    WHERE l.community_id = o.community_id AND l.order_id = o.id LIMIT 1) AS l ON true
  LEFT JOIN plan n ON n.community_id = community AND n.id = l.plan_id
  LEFT JOIN product s ON s.community_id = community AND s.id = (payload ->> 'product_id')::uuid
  LEFT JOIN refund f ON f.community_id = community AND f.id = (payload ->> 'refund_id')::uuid
  LEFT JOIN refund_request q ON q.community_id = community
    AND q.id = (payload ->> 'request_id')::uuid
  LEFT JOIN payment p ON p.community_id = community AND p.id = (payload ->> 'payment_id')::uuid
$$;

-- ---- receipts ----

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
-- was: 913b1631700a
CREATE OR REPLACE FUNCTION order_settle(community bigint, order_id uuid, at timestamptz)
RETURNS boolean
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
