-- promise: a period ends on the same day of the next month, or on that month's last
-- expect: = 2026-02-28 2028-02-29 2026-04-30 2026-03-15
SELECT string_agg(to_char(period_end(t::timestamptz, 'month', 1) AT TIME ZONE 'UTC', 'YYYY-MM-DD'),
                  ' ' ORDER BY n)
FROM unnest(ARRAY['2026-01-31T10:00Z', '2028-01-31T10:00Z', '2026-03-31Z', '2026-02-15Z'])
  WITH ORDINALITY AS s (t, n);
-- promise: a short month does not move the day on which periods begin
-- expect: = 2026-02-28 2026-03-31 2026-04-30 2026-05-31
WITH RECURSIVE run AS (
  SELECT period_end('2026-01-31T10:00Z', 'month', 1, 31) AS t, 1 AS n
  UNION ALL SELECT period_end(t, 'month', 1, 31), n + 1 FROM run WHERE n < 4
)
SELECT string_agg(to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD'), ' ' ORDER BY n) FROM run;
-- promise: without the anchor it would
-- expect: = 2026-03-28
SELECT to_char(period_end(period_end('2026-01-31Z', 'month', 1), 'month', 1) AT TIME ZONE 'UTC',
               'YYYY-MM-DD');
-- promise: a year from a leap day ends on the 28th, and the fourth on a leap day again
-- expect: = 2029-02-28 2030-02-28 2031-02-28 2032-02-29
WITH RECURSIVE run AS (
  SELECT period_end('2028-02-29Z', 'year', 1, 29) AS t, 1 AS n
  UNION ALL SELECT period_end(t, 'year', 1, 29), n + 1 FROM run WHERE n < 4
)
SELECT string_agg(to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD'), ' ' ORDER BY n) FROM run;
-- promise: periods keep the time of day, and do not know of anybody's summer time
-- expect: = 2026-04-01T01:30:00.000Z
SET TIME ZONE 'Europe/Berlin';
SELECT iso(period_end('2026-03-01T01:30Z', 'month', 1));
-- promise: weeks and days are counted, and a lifetime ends on a far day
-- expect: = 2026-03-15T00:00:00.000Z 2026-03-11T00:00:00.000Z 2299-12-31T00:00:00.000Z
SELECT iso(period_end('2026-03-01Z', 'week', 2)) || ' ' || iso(period_end('2026-03-01Z', 'day', 10))
  || ' ' || iso(period_end('2026-03-01Z', 'lifetime', 1));
-- promise: a sale ends after it began
-- expect: plan_sale
UPDATE plan SET sale_from = '2026-02-01Z', sale_until = '2026-01-01Z' WHERE id = :plan;
-- promise: who may buy a plan is one of four
-- expect: plan_buyers
INSERT INTO plan (community_id, id, product_id, slug, version, name, price_minor, currency, buyers)
VALUES (:c, :new1, :product, 'x', 1, :n, 1, 'CNY', 'friends');
-- promise: the server may change when a plan is on sale
-- expect: ok
SET ROLE lyceum_server;
UPDATE plan SET visibility = 'hidden', sale_until = now() WHERE id = :plan;
-- promise: the server can't change who may buy a plan
-- expect: 42501
SET ROLE lyceum_server;
UPDATE plan SET buyers = 'new' WHERE id = :plan;
-- promise: the server can't change a price in another currency
-- expect: 42501
SET ROLE lyceum_server;
UPDATE plan_price SET price_minor = 1;
-- promise: a plan has one price in a currency
-- expect: plan_price_pkey
INSERT INTO plan_price (community_id, plan_id, currency, price_minor)
VALUES (:c, :plan, 'USD', 1), (:c, :plan, 'USD', 2);
-- promise: the server can't change a quote
-- expect: 42501
SET ROLE lyceum_server;
UPDATE quote SET terms = '{}';
-- promise: a quote is one order
-- expect: orders_quote
INSERT INTO orders (community_id, id, member_id, kind, currency, total_minor, quote_id) VALUES
  (:c, :new1, :cat, 'purchase', 'CNY', 1, :new3), (:c, :new2, :cat, 'purchase', 'CNY', 1, :new3);
-- promise: what is settled is paid in full
-- expect: orders_settled
UPDATE orders SET settled_at = now() WHERE id = :order;
-- promise: what was credited to an upgrade can't be refunded as well
-- expect: orders_amounts
UPDATE orders SET paid_minor = 1000, refunded_minor = 600, credited_minor = 401 WHERE id = :order;
-- promise: a line's discount and credit are no more than its price
-- expect: order_line_discount
UPDATE order_line SET discount_minor = 600, credit_minor = 401 WHERE id = :line;
-- promise: a line's amount follows from its parts
-- expect: = 300
UPDATE order_line SET discount_minor = 600, credit_minor = 100 WHERE id = :line;
SELECT amount_minor FROM order_line WHERE id = :line;
-- promise: what a line gives ends after it begins
-- expect: order_line_span
UPDATE order_line SET starts_at = now(), ends_at = now() WHERE id = :line;
-- promise: a member holds a code in one open order
-- expect: code_hold_once
INSERT INTO code_hold (community_id, id, code_id, member_id, order_id, expires_at) VALUES
  (:c, :new1, :code, :cat, :order, now()), (:c, :new2, :code, :cat, :order, now());
-- promise: a code of which nothing is left opens no order
-- expect: invite_code_used
UPDATE invite_code SET held = 1, used = 1 WHERE id = :code;
SELECT order_open(:c, :new1, :new2, :cat, NULL, jsonb_build_object('kind', 'purchase', 'currency',
  'CNY', 'total_minor', 1, 'product_id', :product, 'plan_id', :plan, 'quantity', 1, 'unit_minor', 1,
  'discount_minor', 0, 'credit_minor', 0, 'trial', false, 'code_id', :code), now(), now(), NULL,
  NULL);
-- promise: a withdrawn code opens no order
-- expect: invite_code_used
UPDATE invite_code SET revoked_at = now() WHERE id = :code;
SELECT order_open(:c, :new1, :new2, :cat, NULL, jsonb_build_object('kind', 'purchase', 'currency',
  'CNY', 'total_minor', 1, 'product_id', :product, 'plan_id', :plan, 'quantity', 1, 'unit_minor', 1,
  'discount_minor', 0, 'credit_minor', 0, 'trial', false, 'code_id', :code), now(), now(), NULL,
  NULL);
-- promise: a lecture without a free seat opens no order
-- expect: lecture_full
UPDATE lecture SET capacity = 0 WHERE id = :talk;
SELECT order_open(:c, :new1, :new2, :cat, NULL, jsonb_build_object('kind', 'ticket', 'currency',
  'CNY', 'total_minor', 1, 'product_id', :product, 'plan_id', :plan, 'quantity', 1, 'unit_minor', 1,
  'discount_minor', 0, 'credit_minor', 0, 'trial', false, 'lecture_id', :talk), now(), now(), NULL,
  NULL);
-- promise: an order that is closed frees its code, once
-- expect: = true false 0
SELECT order_open(:c, :new1, :new2, :cat, NULL, jsonb_build_object('kind', 'purchase', 'currency',
  'CNY', 'total_minor', 1, 'product_id', :product, 'plan_id', :plan, 'quantity', 1, 'unit_minor', 1,
  'discount_minor', 0, 'credit_minor', 0, 'trial', false, 'code_id', :code), now(), now(), NULL,
  NULL);
SELECT order_close(:c, :new1, 'cancelled') AS first \gset
SELECT order_close(:c, :new1, 'expired') AS second \gset
SELECT (:'first'::bool)::text || ' ' || (:'second'::bool)::text || ' ' || held FROM invite_code
WHERE id = :code;
-- promise: an order that is paid can't be closed
-- expect: = f
UPDATE orders SET paid_minor = 1000, settled_at = now() WHERE id = :order;
SELECT order_close(:c, :order, 'cancelled');
-- promise: a discount's terms ask for no minimum of nothing
-- expect: invite_code_minimum
UPDATE invite_code SET minimum_minor = 0 WHERE id = :code;
-- promise: nobody takes a gift of their own
-- expect: gift_not_to_oneself
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source, given_by)
VALUES (:c, :cat, :new2, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'gift', :bob);
INSERT INTO gift (community_id, id, order_line_id, unit, giver_id, claim_until, claimed_by,
  claimed_at, entitlement_id)
VALUES (:c, :new1, :line, 1, :cat, now(), :cat, now(), :new2);
-- promise: each unit of a line is one gift
-- expect: gift_unit
INSERT INTO gift (community_id, id, order_line_id, unit, giver_id, claim_until) VALUES
  (:c, :new1, :line, 1, :cat, now()), (:c, :new2, :line, 1, :cat, now());
-- promise: a gift that is claimed says by whom, when and what for
-- expect: gift_claimed
INSERT INTO gift (community_id, id, order_line_id, unit, giver_id, claim_until, claimed_by)
VALUES (:c, :new1, :line, 1, :cat, now(), :bob);
-- promise: a member has one seat of a group
-- expect: group_seat_one_each
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  order_line_id, unit)
VALUES (:c, :bob, :new2, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'order', :line, 1);
INSERT INTO group_seat (community_id, order_line_id, unit, owner_id, product_id, plan_id, span,
  member_id, entitlement_id, assigned_at)
SELECT :c, :line, g, :cat, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', :bob, :new2, now()
FROM generate_series(1, 2) g;
-- promise: a seat that nobody may have any more is not given
-- expect: = state_forbids
INSERT INTO group_seat (community_id, order_line_id, unit, owner_id, product_id, plan_id, span,
  revoked_at)
VALUES (:c, :line, 1, :cat, :product, :plan, '[2026-01-01Z, 2299-01-01Z)', now());
SELECT seat_assign(:c, :line, 1, :bob, now());
-- promise: what is left of what was paid is worth its share of the price, rounded down
-- expect: = 333
UPDATE orders SET paid_minor = 1000, settled_at = now() WHERE id = :order;
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  order_line_id, unit)
VALUES (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-01-31Z)', 'order', :line, 1);
SELECT credit_minor FROM credit_of(:c, :cat, :product, 'CNY', '2026-01-21Z');
-- promise: what went back is worth nothing, and a third of the rest lies ahead
-- expect: = 33
UPDATE orders SET paid_minor = 1000, refunded_minor = 900, settled_at = now() WHERE id = :order;
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  order_line_id, unit)
VALUES (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-01-31Z)', 'order', :line, 1);
SELECT credit_minor FROM credit_of(:c, :cat, :product, 'CNY', '2026-01-21Z');
-- promise: what is carried on has a later id, even of one that a clock ahead of ours made
-- expect: = t
SELECT bool_and(uuid7_after(id) > id) FROM (
  SELECT uuid7(now() + g * interval '10 ms') AS id FROM generate_series(0, 1000) g) AS ids;
-- promise: a span is cut in the millisecond in which it was made
-- expect: = 200
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source)
SELECT :c, :cat, ids.id, ids.id, :plan, '[2026-01-01Z, 2026-03-01Z)', 'trial'
FROM (SELECT uuid7() AS id FROM generate_series(1, 200)) AS ids;
SELECT count(span_split(:c, :cat, e.id, '2026-02-01Z')) FROM entitlement e
WHERE e.community_id = :c AND e.member_id = :cat AND e.source = 'trial';
