-- promise: a community has no 21st webhook
-- expect: webhook_endpoint_most
INSERT INTO webhook_endpoint (community_id, id, slot, url, secret, created_by)
VALUES (:c, :new1, 21, 'https://example.org/', 'x', :ann);
-- promise: no two webhooks have one slot
-- expect: webhook_endpoint_slot
INSERT INTO webhook_endpoint (community_id, id, slot, url, secret, created_by)
VALUES (:c, :new1, 1, 'https://example.org/', 'x', :ann), (:c, :new2, 1, 'https://a.b/', 'x', :ann);
-- promise: webhook_add finds free slots and no more than there are
-- expect: = 20
SELECT count(*) FILTER (WHERE webhook_add(:c, uuid7(), 'https://example.org/', NULL, NULL, 'x',
  :ann)) FROM generate_series(1, 25);
-- promise: a webhook's creator is of its community
-- expect: webhook_endpoint_creator
INSERT INTO webhook_endpoint (community_id, id, slot, url, secret, created_by)
VALUES (:c, :new1, 1, 'https://example.org/', 'x', :eve);
-- promise: a webhook goes to an address of the web
-- expect: webhook_endpoint_url
INSERT INTO webhook_endpoint (community_id, id, slot, url, secret, created_by)
VALUES (:c, :new1, 1, 'ftp://example.org/', 'x', :ann);
-- promise: a webhook's address holds no password
-- expect: webhook_endpoint_url
INSERT INTO webhook_endpoint (community_id, id, slot, url, secret, created_by)
VALUES (:c, :new1, 1, 'https://u:p@example.org/', 'x', :ann);
-- promise: a webhook is told of what is published
-- expect: webhook_endpoint_topics
INSERT INTO webhook_endpoint (community_id, id, slot, url, secret, created_by, topics)
VALUES (:c, :new1, 1, 'https://example.org/', 'x', :ann, '{member.joined,member.secret}');
-- promise: a webhook is told of something
-- expect: webhook_endpoint_topics
INSERT INTO webhook_endpoint (community_id, id, slot, url, secret, created_by, topics)
VALUES (:c, :new1, 1, 'https://example.org/', 'x', :ann, '{}');
-- promise: a webhook that is disabled says why
-- expect: webhook_endpoint_disabled
INSERT INTO webhook_endpoint (community_id, id, slot, url, secret, created_by, state)
VALUES (:c, :new1, 1, 'https://example.org/', 'x', :ann, 'disabled');
-- promise: a removed webhook keeps no secret
-- expect: webhook_endpoint_removed
INSERT INTO webhook_endpoint (community_id, id, url, secret, created_by, state)
VALUES (:c, :new1, 'https://example.org/', 'x', :ann, 'removed');
-- promise: a webhook in use has a secret
-- expect: webhook_endpoint_removed
INSERT INTO webhook_endpoint (community_id, id, slot, url, created_by)
VALUES (:c, :new1, 1, 'https://example.org/', :ann);
-- promise: an old secret has an end
-- expect: webhook_endpoint_previous
INSERT INTO webhook_endpoint (community_id, id, slot, url, secret, previous, created_by)
VALUES (:c, :new1, 1, 'https://example.org/', 'x', 'y', :ann);
-- promise: an event goes to an endpoint once
-- expect: webhook_delivery_pkey
SELECT webhook_add(:c, :new1, 'https://example.org/', NULL, NULL, 'x', :ann);
INSERT INTO webhook_delivery (community_id, endpoint_id, id, type, payload, next_at)
VALUES (:c, :new1, :new2, 'member.joined', '{}', now()),
  (:c, :new1, :new2, 'order.paid', '{}', now());
-- promise: a delivery is of an endpoint of its community
-- expect: webhook_delivery_endpoint
SELECT webhook_add(:c, :new1, 'https://example.org/', NULL, NULL, 'x', :ann);
INSERT INTO webhook_delivery (community_id, endpoint_id, id, type, payload, next_at)
VALUES (:other, :new1, :new2, 'member.joined', '{}', now());
-- promise: a delivery is of a type that is published
-- expect: webhook_delivery_type
SELECT webhook_add(:c, :new1, 'https://example.org/', NULL, NULL, 'x', :ann);
INSERT INTO webhook_delivery (community_id, endpoint_id, id, type, payload, next_at)
VALUES (:c, :new1, :new2, 'member.secret', '{}', now());
-- promise: a delivery that waits says until when
-- expect: webhook_delivery_waits
SELECT webhook_add(:c, :new1, 'https://example.org/', NULL, NULL, 'x', :ann);
INSERT INTO webhook_delivery (community_id, endpoint_id, id, type, payload)
VALUES (:c, :new1, :new2, 'member.joined', '{}');
-- promise: what is delivered waits for nothing
-- expect: webhook_delivery_waits
SELECT webhook_add(:c, :new1, 'https://example.org/', NULL, NULL, 'x', :ann);
INSERT INTO webhook_delivery (community_id, endpoint_id, id, type, payload, next_at, state,
  finished_at)
VALUES (:c, :new1, :new2, 'member.joined', '{}', now(), 'delivered', now());
-- promise: of an answer 1 KiB is kept
-- expect: webhook_attempt_answer
SELECT webhook_add(:c, :new1, 'https://example.org/', NULL, NULL, 'x', :ann);
INSERT INTO webhook_delivery (community_id, endpoint_id, id, type, payload, next_at)
VALUES (:c, :new1, :new2, 'member.joined', '{}', now());
INSERT INTO webhook_attempt (community_id, endpoint_id, delivery_id, number, ms, answer)
VALUES (:c, :new1, :new2, 1, 1, repeat('x', 1025));
-- promise: each type that is published is known how to tell, and no other
-- expect: = 
SELECT string_agg(coalesce(t.type, p.type), ' ')
FROM webhook_type t FULL JOIN unnest(webhook_types()) AS p (type) USING (type)
WHERE t.type IS NULL OR p.type IS NULL;
-- promise: an event says what it may and leaves out the rest
-- expect: = {"sequence": 3, "lecture_id": "00000000-0000-7000-8000-000000000081"}
SELECT webhook_add(:c, :new1, 'https://example.org/', NULL, NULL, 'x', :ann);
UPDATE webhook_endpoint SET since = NULL WHERE id = :new1;
INSERT INTO outbox (community_id, id, topic, subject_id, payload, xid)
VALUES (:c, :new2, 'lecture.cancelled', :talk, '{"sequence": 3, "reason": "Chen is ill"}', '1');
UPDATE outbox_cursor SET xid = '0' WHERE consumer = 'webhooks';
SELECT webhooks_make(:c, 10);
SELECT payload::jsonb -> 'data' FROM webhook_delivery WHERE community_id = :c;
-- promise: an event of the past goes to nobody who came later
-- expect: = 0
INSERT INTO outbox (community_id, id, topic, subject_id, xid)
VALUES (:c, :new2, 'member.joined', :cat, '1');
SELECT webhook_add(:c, :new1, 'https://example.org/', NULL, NULL, 'x', :ann);
UPDATE outbox_cursor SET xid = '0' WHERE consumer = 'webhooks';
SELECT webhooks_make(:c, 10);
SELECT count(*) FROM webhook_delivery WHERE community_id = :c;
