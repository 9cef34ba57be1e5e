-- promise: a receipt's number is given once
-- expect: receipt_pkey
INSERT INTO receipt (community_id, year, number, order_id, total_minor, currency) VALUES
  (:c, 2026, 1, :order, 1000, 'CNY'), (:c, 2026, 1, :order, 1000, 'CNY');
-- promise: an order has one receipt
-- expect: receipt_once
INSERT INTO receipt (community_id, year, number, order_id, total_minor, currency) VALUES
  (:c, 2026, 1, :order, 1000, 'CNY'), (:c, 2026, 2, :order, 1000, 'CNY');
-- promise: a receipt is in its order's currency
-- expect: receipt_order
INSERT INTO receipt (community_id, year, number, order_id, total_minor, currency)
VALUES (:c, 2026, 1, :order, 1000, 'USD');
-- promise: receipts begin at 1
-- expect: receipt_number
INSERT INTO receipt (community_id, year, number, order_id, total_minor, currency)
VALUES (:c, 2026, 0, :order, 1000, 'CNY');
-- promise: the server can't change a receipt
-- expect: 42501
SET ROLE lyceum_server;
UPDATE receipt SET total_minor = 1 WHERE community_id = :c;
-- promise: the server can't take a receipt away
-- expect: 42501
SET ROLE lyceum_server;
DELETE FROM receipt WHERE community_id = :c;
-- promise: the server can't take the year's count away
-- expect: 42501
SET ROLE lyceum_server;
DELETE FROM receipt_year WHERE community_id = :c;
-- promise: an order that is paid in full gets the year's first number
-- expect: = 1
DELETE FROM payment WHERE community_id = :c AND order_id = :order;
SELECT settled FROM payment_record(:c, :order, :new1, 'test', 'x', 1000, 'CNY', now(), 0, NULL,
                                   NULL, NULL);
SELECT number FROM receipt WHERE community_id = :c AND order_id = :order;
-- promise: in Shanghai the year begins eight hours before it does in UTC
-- expect: = 2026-000001, 2027-000001
UPDATE community SET zone = 'Asia/Shanghai' WHERE id = :c;
SELECT receipt_give(:c, jsonb_populate_record(o, '{"settled_at": "2026-12-31T15:59:59.999Z"}'))
FROM orders o WHERE o.community_id = :c AND o.id = :order \g /dev/null
DELETE FROM receipt WHERE community_id = :c RETURNING receipt_shown(year, number) AS old \gset
SELECT receipt_give(:c, jsonb_populate_record(o, '{"settled_at": "2026-12-31T16:00:00Z"}'))
FROM orders o WHERE o.community_id = :c AND o.id = :order \g /dev/null
SELECT :'old' || ', ' || receipt_shown(year, number) FROM receipt WHERE community_id = :c;
-- promise: in New York it begins five hours later, and goes on with the next number
-- expect: = 2026-000042
UPDATE community SET zone = 'America/New_York' WHERE id = :c;
INSERT INTO receipt_year (community_id, year, last) VALUES (:c, 2026, 41);
SELECT receipt_give(:c, jsonb_populate_record(o, '{"settled_at": "2027-01-01T04:59:59Z"}'))
FROM orders o WHERE o.community_id = :c AND o.id = :order \g /dev/null
SELECT receipt_shown(year, number) FROM receipt WHERE community_id = :c;
-- promise: an order is settled with a receipt of the year in which it is by the community's clocks
-- expect: = t
UPDATE community SET zone = 'Pacific/Kiritimati' WHERE id = :c;
DELETE FROM payment WHERE community_id = :c AND order_id = :order;
SELECT settled FROM payment_record(:c, :order, :new1, 'test', 'x', 1000, 'CNY', now(), 0, NULL,
                                   NULL, NULL) \g /dev/null
SELECT year = extract(year FROM now() AT TIME ZONE 'Pacific/Kiritimati')
FROM receipt WHERE community_id = :c AND order_id = :order;
-- promise: a receipt's number is shown with its year
-- expect: = 2026-000017
SELECT receipt_shown(2026, 17);
-- promise: and beyond a million it grows
-- expect: = 2026-1000017
SELECT receipt_shown(2026, 1000017);
-- promise: an order has one open invoice request
-- expect: invoice_request_open
INSERT INTO invoice_request (community_id, id, order_id, member_id, kind, sealed) VALUES
  (:c, :new1, :order, :cat, 'personal', 'x'), (:c, :new2, :order, :cat, 'personal', 'x');
-- promise: after a refused one it may have another
-- expect: ok
INSERT INTO invoice_request (community_id, id, order_id, member_id, kind, sealed, state, reason)
VALUES (:c, :new1, :order, :cat, 'personal', 'x', 'refused', 'No');
INSERT INTO invoice_request (community_id, id, order_id, member_id, kind, sealed)
VALUES (:c, :new2, :order, :cat, 'personal', 'x');
-- promise: to whom an invoice is made out is sealed there unless it was erased
-- expect: invoice_request_whom
INSERT INTO invoice_request (community_id, id, order_id, member_id, kind)
VALUES (:c, :new1, :order, :cat, 'personal');
-- promise: and what was erased is not there any more
-- expect: invoice_request_whom
INSERT INTO invoice_request (community_id, id, order_id, member_id, kind, sealed, erased_at)
VALUES (:c, :new1, :order, :cat, 'personal', 'x', now());
-- promise: what is issued has a number
-- expect: invoice_request_issued
INSERT INTO invoice_request (community_id, id, order_id, member_id, kind, sealed, state)
VALUES (:c, :new1, :order, :cat, 'personal', 'x', 'issued');
-- promise: what is refused has a reason
-- expect: invoice_request_refused
INSERT INTO invoice_request (community_id, id, order_id, member_id, kind, sealed, state)
VALUES (:c, :new1, :order, :cat, 'personal', 'x', 'refused');
-- promise: the server can't change what the ledger says
-- expect: 42501
SET ROLE lyceum_server;
UPDATE ledger SET amount_minor = 1 WHERE community_id = :c;
-- promise: the server can't take a row out of the ledger
-- expect: 42501
SET ROLE lyceum_server;
DELETE FROM ledger WHERE community_id = :c;
-- promise: a row of the ledger moves something from one account to another
-- expect: ledger_two
INSERT INTO ledger (community_id, id, event, debit, credit, amount_minor, currency, order_id)
VALUES (:c, :new1, 'sale', 'sales', 'sales', 1, 'CNY', :order);
-- promise: a report's months are those by the community's clocks
-- expect: = 2026-01|2025-12-31 16:00:00+00
SET TimeZone = 'UTC';
SELECT month, since FROM report_months('Asia/Shanghai', '2026-01', '2026-01');
