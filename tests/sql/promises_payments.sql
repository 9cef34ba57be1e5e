-- Money in and back, however often it is told, and who is let in by it.
-- promise: one order has one open attempt of a provider and a method
-- expect: payment_attempt_one
INSERT INTO payment_attempt (community_id, id, order_id, provider, method)
VALUES (:c, :new1, :order, 'test', 'page'), (:c, :new2, :order, 'test', 'page');
-- promise: asking twice for a way to pay gives the same attempt; more paid by hand, another one
-- expect: = true false true true
SELECT a.created::text || ' ' || b.created || ' ' || (a.id = b.id) || ' ' || (
    SELECT r.created AND r.amount = 600
    FROM payment_record(:c, :order, :new3, 'hand', 'T-1', 400, 'CNY', now(), 0, :ann, 'x', NULL) p,
      LATERAL attempt_open(:c, :order, uuid7(), NULL, 'test', 'page') r)
FROM attempt_open(:c, :order, :new1, :cat, 'test', 'page') a,
  LATERAL attempt_open(:c, :order, :new2, :cat, 'test', 'page') b;
-- promise: another member's order can't be paid for by its id
-- expect: = not_found
SELECT refusal FROM attempt_open(:c, :order, :new1, :bob, 'test', 'page');
-- promise: a notification counts once, whatever comes with it the second time
-- expect: = repeated 1
SELECT attempt_open(:c, :order, :new1, NULL, 'test', 'page');
SELECT payment_event_take(:c, 'test', 'e1', j, 'x')
FROM jsonb_build_object('kind', 'paid', 'ref', 'ch_1', 'attempt', :new1, 'amount', 1000,
  'currency', 'CNY', 'at', now()) j;
SELECT payment_event_take(:c, 'test', 'e1', j || '{"ref": "other"}', 'x') || ' '
  || (SELECT count(*) FROM payment_event WHERE community_id = :c)
FROM jsonb_build_object('kind', 'paid', 'ref', 'ch_1', 'attempt', :new1, 'amount', 1000,
  'currency', 'CNY', 'at', now()) j;
-- promise: the same payment under another event's name is known all the same
-- expect: = counted repeated
SELECT attempt_open(:c, :order, :new1, NULL, 'test', 'page');
SELECT payment_event_take(:c, 'test', 'e1', j, 'x') || ' '
  || payment_event_take(:c, 'test', 'e2', j, 'x')
FROM jsonb_build_object('kind', 'paid', 'ref', 'ch_1', 'attempt', :new1, 'amount', 1000,
  'currency', 'CNY', 'at', now()) j;
-- promise: another amount, currency, order or charge than was agreed pays nothing
-- expect: = differs differs not_found differs
SELECT attempt_open(:c, :order, :new1, NULL, 'test', 'page');
UPDATE payment_attempt SET provider_ref = 'ch_1' WHERE community_id = :c AND id = :new1;
SELECT payment_fact_apply(:c, 'test', j || '{"amount": 999}', 'job') || ' '
  || payment_fact_apply(:c, 'test', j || '{"currency": "USD"}', 'job') || ' '
  || payment_fact_apply(:c, 'test', j || jsonb_build_object('attempt', :new2), 'job') || ' '
  || payment_fact_apply(:c, 'test', j || '{"ref": "ch_2"}', 'job')
FROM jsonb_build_object('kind', 'paid', 'ref', 'ch_1', 'attempt', :new1, 'amount', 1000,
  'currency', 'CNY', 'at', now()) j;
-- promise: what comes before its payment waits for it, and then counts
-- expect: = counted counted open
SELECT attempt_open(:c, :order, :new1, NULL, 'test', 'page');
SELECT payment_event_take(:c, 'test', 'e2', jsonb_build_object('kind', 'disputed', 'ref', 'ch_1',
  'dispute_ref', 'd', 'amount', 1000, 'currency', 'CNY', 'at', now()), 'x');
SELECT payment_event_take(:c, 'test', 'e1', jsonb_build_object('kind', 'paid', 'ref', 'ch_1',
  'attempt', :new1, 'amount', 1000, 'currency', 'CNY', 'at', now()), 'x');
SELECT string_agg(outcome, ' ') || ' ' || (SELECT state FROM dispute WHERE community_id = :c)
FROM payment_event WHERE community_id = :c AND handled_at IS NOT NULL;
-- promise: a payment after another has settled the order is a surplus, and asks to go back
-- expect: = surplus 1000
SELECT payment_record(:c, :order, :new1, 'hand', 'T-1', 1000, 'CNY', now(), 0, :ann, 'x', NULL);
SELECT payment_record(:c, :order, :new2, 'hand', 'T-2', 1000, 'CNY', now(), 0, :ann, 'x', NULL);
SELECT CASE WHEN p.surplus THEN 'surplus ' END || q.amount_minor
FROM payment p JOIN refund_request q ON q.community_id = :c AND q.payment_id = p.id AND q.surplus
WHERE p.community_id = :c;
-- promise: more than is left can't be asked back, also when it is only on its way
-- expect: = /amount_minor too_much
SELECT payment_record(:c, :order, :new1, 'test', 'ch_1', 1000, 'CNY', now(), 0, NULL, NULL, NULL);
SELECT refund_ask(:c, :order, :new2, NULL, 600, 'x', false, NULL, :ann);
SELECT pointer || ' ' || fault
FROM refund_ask(:c, :order, :new3, NULL, 401, 'x', false, NULL, :ann);
-- promise: while a payment is disputed nothing of it is given back
-- expect: = state_forbids
SELECT payment_record(:c, :order, :new1, 'test', 'ch_1', 1000, 'CNY', now(), 0, NULL, NULL, NULL);
SELECT dispute_open(:c, :new2, :new1, 'd', 1000, NULL, now());
SELECT refusal FROM refund_ask(:c, :order, :new3, NULL, 1, 'x', false, NULL, :ann);
-- promise: what was refunded does not come back when a dispute is won
-- expect: = counted counted 0
SELECT payment_record(:c, :order, :new1, 'test', 'ch_1', 1000, 'CNY', now(), 0, NULL, NULL, NULL);
SELECT dispute_open(:c, :new2, :new1, 'd', 1000, NULL, now());
SELECT refund_record(:c, :new3, :new1, 're_1', 1000, 'x', NULL, now(), false, NULL) || ' '
  || dispute_end(:c, :new1, 'd', true, now()) || ' '
  || (SELECT count(*) FROM entitlement WHERE community_id = :c AND voided_at IS NULL);
-- promise: a dispute that is lost after all was refunded takes nothing more
-- expect: = counted counted 1000
SELECT payment_record(:c, :order, :new1, 'test', 'ch_1', 1000, 'CNY', now(), 0, NULL, NULL, NULL);
SELECT refund_record(:c, :new3, :new1, 're_1', 1000, 'x', NULL, now(), false, NULL);
SELECT dispute_open(:c, :new2, :new1, 'd', 1000, NULL, now()) || ' '
  || dispute_end(:c, :new1, 'd', false, now()) || ' '
  || (SELECT sum(amount_minor) FROM refund WHERE community_id = :c AND payment_id = :new1);
-- promise: a refund that the provider did once is recorded once, whoever tells of it first
-- expect: = repeated done
SELECT payment_record(:c, :order, :new1, 'test', 'ch_1', 1000, 'CNY', now(), 0, NULL, NULL, NULL);
SELECT refund_ask(:c, :order, :new2, NULL, 600, 'x', false, NULL, :ann);
SELECT payment_fact_apply(:c, 'test', jsonb_build_object('kind', 'refunded', 'ref', 'ch_1',
    'refund_ref', 're_1', 'request', :new2, 'amount', 600, 'currency', 'CNY', 'at', now()), 'job');
SELECT refund_finish(:c, :new2, 're_1') || ' '
  || (SELECT state FROM refund_request WHERE community_id = :c AND id = :new2);
-- promise: the built-in provider gives one charge to one key
-- expect: = t
SELECT test_serve(:c, j) = test_serve(:c, j)
FROM jsonb_build_object('do', 'start', 'key', 'k', 'charge_key', 'k', 'amount_minor', 5,
  'currency', 'CNY', 'subject', 'x') j;
-- promise: the built-in provider refunds no more than was paid
-- expect: test_charge_refunded
INSERT INTO test_charge (community_id, id, key, amount_minor, currency, subject, refunded_minor)
VALUES (:c, :new1, 'k', 5, 'CNY', 'x', 6);
