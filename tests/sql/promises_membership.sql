-- promise: a plan's (slug, version) is unique
-- expect: plan_slug_version
INSERT INTO plan (community_id, id, product_id, slug, version, name, price_minor, currency)
VALUES (:c, :new1, :product, 'year', 1, :n, 1, 'CNY');
-- promise: a price is not negative
-- expect: plan_price
INSERT INTO plan (community_id, id, product_id, slug, version, name, price_minor, currency)
VALUES (:c, :new1, :product, 'year', 2, :n, -1, 'CNY');
-- promise: the server can't change a plan's price
-- expect: 42501
SET ROLE lyceum_server;
UPDATE plan SET price_minor = 1 WHERE community_id = :c;
-- promise: the server can't delete a plan
-- expect: 42501
SET ROLE lyceum_server;
DELETE FROM plan WHERE community_id = :c;
-- promise: the server may retire a plan
-- expect: ok
SET ROLE lyceum_server;
UPDATE plan SET retired_at = now() WHERE community_id = :c;
-- promise: one live membership of a member in a product
-- expect: membership_one_live
INSERT INTO membership (community_id, id, member_id, product_id, plan_id) VALUES
  (:c, :new1, :cat, :product, :plan), (:c, :new2, :cat, :product, :plan);
-- promise: a membership's plan is of its product
-- expect: membership_plan
INSERT INTO membership (community_id, id, member_id, product_id, plan_id)
  VALUES (:c, :new1, :cat, :camp, :plan);
-- promise: who gave notice doesn't renew
-- expect: membership_notice
INSERT INTO membership (community_id, id, member_id, product_id, plan_id, auto_renew,
  cancel_at_period_end)
VALUES (:c, :new1, :cat, :product, :plan, true, true);
-- promise: paid is never more than the total
-- expect: orders_amounts
UPDATE orders SET paid_minor = 1001 WHERE community_id = :c AND id = :order;
-- promise: refunded is never more than paid
-- expect: orders_amounts
UPDATE orders SET paid_minor = 500, refunded_minor = 501 WHERE community_id = :c AND id = :order;
-- promise: an order that gave what it bought can't be closed as expired
-- expect: orders_settled
UPDATE orders SET paid_minor = 1000, settled_at = now(), closed_at = now(),
  closed_reason = 'expired'
  WHERE community_id = :c AND id = :order;
-- promise: an order's status can't be written, it follows from its amounts
-- expect: 428C9
UPDATE orders SET status = 'paid' WHERE community_id = :c AND id = :order;
-- promise: an order that is paid says so
-- expect: = paid
UPDATE orders SET paid_minor = 1000 WHERE community_id = :c AND id = :order;
SELECT status FROM orders WHERE community_id = :c AND id = :order;
-- promise: a provider's payment counts once
-- expect: payment_provider_ref
INSERT INTO payment (community_id, id, order_id, provider, provider_ref, amount_minor, currency,
  paid_at)
VALUES (:c, :new1, :order, 'stripe', 'pi_1', 1000, 'CNY', now());
-- promise: a payment is in its order's currency
-- expect: payment_order
INSERT INTO payment (community_id, id, order_id, provider, provider_ref, amount_minor, currency,
  paid_at)
VALUES (:c, :new1, :order, 'stripe', 'pi_2', 1000, 'USD', now());
-- promise: a payment by hand has a receiver and a reason
-- expect: payment_by_hand
INSERT INTO payment (community_id, id, order_id, provider, provider_ref, amount_minor, currency,
  paid_at)
VALUES (:c, :new1, :order, 'hand', 'r1', 1000, 'CNY', now());
-- promise: a provider's refund counts once
-- expect: refund_provider_ref
INSERT INTO refund (community_id, id, payment_id, provider, provider_ref, amount_minor,
  refunded_at) VALUES
  (:c, :new1, :payment, 'stripe', 're_1', 1, now()), (:c, :new2, :payment, 'stripe', 're_1', 1,
    now());
-- promise: a payment's event has one row, whatever arrives twice
-- expect: payment_event_pkey
INSERT INTO payment_event (community_id, provider, event_id, kind, sealed_body) VALUES
  (:c, 'stripe', 'evt_1', 'k', ''), (:c, 'stripe', 'evt_1', 'k', '');
-- promise: one renewal is open at a time
-- expect: orders_renewal_open
INSERT INTO membership (community_id, id, member_id, product_id, plan_id)
  VALUES (:c, :new1, :cat, :product, :plan);
INSERT INTO orders (community_id, id, member_id, kind, membership_id, currency, total_minor) VALUES
  (:c, :new2, :cat, 'renewal', :new1, 'CNY', 1), (:c, :new3, :cat, 'renewal', :new1, 'CNY', 1);
-- promise: the server can't change a payment
-- expect: 42501
SET ROLE lyceum_server;
UPDATE payment SET amount_minor = 1;
-- promise: two live spans of a member and product don't overlap
-- expect: entitlement_no_overlap
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason) VALUES
  (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'comp', :ann, 'x'),
  (:c, :cat, :new2, :product, :plan, '[2026-01-31Z, 2026-03-01Z)', 'comp', :ann, 'x');
-- promise: spans may touch, belong to other products, or follow a voided one
-- expect: ok
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason, voided_at, void_reason) VALUES
  (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'comp', :ann, 'x', now(), 'x'),
  (:c, :cat, :new2, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'comp', :ann, 'x', NULL, NULL),
  (:c, :cat, :new3, :product, :plan, '[2026-02-01Z, 2026-03-01Z)', 'comp', :ann, 'x', NULL, NULL),
  (:c, :cat, :code, :camp, :campplan, '[2026-02-01Z, 2026-03-01Z)', 'comp', :ann, 'x', NULL, NULL);
-- promise: a voided span can't be revived over another
-- expect: entitlement_no_overlap
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason, voided_at, void_reason) VALUES
  (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'comp', :ann, 'x', now(), 'x'),
  (:c, :cat, :new2, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'comp', :ann, 'x', NULL, NULL);
UPDATE entitlement SET voided_at = NULL, void_reason = NULL WHERE community_id = :c AND id = :new1;
-- promise: a span ends
-- expect: entitlement_span
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason)
VALUES (:c, :cat, :new1, :product, :plan, '[2026-01-01Z,)', 'comp', :ann, 'x');
-- promise: a comp has an operator and a reason
-- expect: entitlement_source
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source)
VALUES (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'comp');
-- promise: nobody gives a gift to themselves
-- expect: entitlement_source
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source, given_by)
VALUES (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'gift', :cat);
-- promise: an entitlement belongs to a member of its community
-- expect: entitlement_member
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason)
VALUES (:c, :eve, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'comp', :ann, 'x');
-- promise: what was paid once is granted once
-- expect: entitlement_line_once
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  order_line_id, unit) VALUES
  (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'order', :line, 1),
  (:c, :cat, :new2, :product, :plan, '[2026-02-01Z, 2026-03-01Z)', 'order', :line, 1);
-- promise: a trial is had once
-- expect: entitlement_trial_once
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source) VALUES
  (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-01-08Z)', 'trial'),
  (:c, :cat, :new2, :product, :plan, '[2026-02-01Z, 2026-02-08Z)', 'trial');
-- promise: the status follows the spans to the instant: before, in, at the end, in grace, after
-- expect: = upcoming active grace expired
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, grace_days,
  source, granted_by, reason)
VALUES (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 7, 'comp', :ann, 'x');
SELECT string_agg(status, ' ' ORDER BY at) FROM
  unnest(ARRAY['2025-12-31Z', '2026-01-01Z', '2026-02-01Z', '2026-02-08Z']::timestamptz[]) at,
  membership_status(:c, :cat, :product, at);
-- promise: who never had anything has no membership, and who gave notice keeps it to the end
-- expect: = none cancelled_at_period_end
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason)
VALUES (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'comp', :ann, 'x');
INSERT INTO membership (community_id, id, member_id, product_id, plan_id, cancel_at_period_end)
VALUES (:c, :new1, :cat, :product, :plan, true);
SELECT a.status || ' ' || b.status FROM membership_status(:c, :bob, :product, '2026-01-02Z') a,
  membership_status(:c, :cat, :product, '2026-01-02Z') b;
-- promise: a pause and an unpaid renewal are told apart from an end
-- expect: = past_due paused
INSERT INTO membership (community_id, id, member_id, product_id, plan_id, auto_renew)
VALUES (:c, :new1, :cat, :product, :plan, true);
INSERT INTO orders (community_id, id, member_id, kind, membership_id, currency, total_minor, due_at)
VALUES (:c, :new2, :cat, 'renewal', :new1, 'CNY', 1, '2026-01-01Z');
INSERT INTO membership (community_id, id, member_id, product_id, plan_id, paused_at, banked_seconds)
VALUES (:c, :new3, :bob, :product, :plan, '2026-01-01Z', 86400);
SELECT a.status || ' ' || b.status FROM membership_status(:c, :cat, :product, '2026-01-02Z') a,
  membership_status(:c, :bob, :product, '2026-01-02Z') b;
-- promise: the status and entitled() never disagree
-- expect: = 0
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, grace_days,
  source, granted_by, reason) VALUES
  (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 7, 'comp', :ann, 'x'),
  (:c, :cat, :new2, :product, :plan, '[2026-02-05Z, 2026-03-01Z)', 0, 'comp', :ann, 'x'),
  (:c, :cat, :new3, :camp, :campplan, '[2026-05-01Z, 2026-06-01Z)', 0, 'comp', :ann, 'x');
SELECT count(*) FROM generate_series('2025-12-25Z'::timestamptz, '2026-06-05Z', '6 hours') at,
  membership_status(:c, :cat, :product, at) s
WHERE (s.status IN ('active', 'trialing', 'grace', 'cancelled_at_period_end'))
  <> EXISTS (SELECT FROM entitled(:c, :cat, at));
-- promise: the answer holds until the end of the unbroken run
-- expect: = 2026-03-01T00:00:00.000Z
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason) VALUES
  (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'comp', :ann, 'x'),
  (:c, :cat, :new2, :product, :plan, '[2026-02-01Z, 2026-03-01Z)', 'comp', :ann, 'x');
SELECT iso(until) FROM membership_status(:c, :cat, :product, '2026-01-02Z');
