-- Webhooks: other systems are told of what happened, signed (Standard Webhooks 1.0.0).

-- What can be told. A name once published stays.
CREATE FUNCTION webhook_types() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['code.redeemed', 'compensation.given', 'dispute.lost', 'dispute.won',
  'entitlement.granted', 'entitlement.voided', 'gift.claimed', 'invoice.asked', 'invoice.issued',
  'invoice.refused', 'invoice.withdrawn', 'lecture.cancelled', 'lecture.changed',
  'lecture.published', 'member.joined', 'membership.cancelled', 'membership.changed',
  'membership.ended', 'membership.ending', 'membership.paused', 'membership.resumed',
  'membership.returned', 'order.cancelled', 'order.created', 'order.expired', 'order.paid',
  'payment.disputed', 'payment.received', 'payment.refunded', 'payment.surplus', 'refund.failed',
  'renewal.announced', 'renewal.reminded'];

-- How a row of the outbox becomes an event's `data`: what its subject is called there, what its own
-- id is called where that is a thing's, and which members of its payload are told. No others are.
CREATE TABLE webhook_type (
  type text CONSTRAINT webhook_type_pkey PRIMARY KEY
    CONSTRAINT webhook_type_published CHECK (type = ANY (webhook_types())),
  subject text NOT NULL,
  own text,
  fields text[] NOT NULL
);
INSERT INTO webhook_type (type, subject, own, fields) VALUES
  ('code.redeemed', 'member_id', 'redemption_id', '{}'),
  ('compensation.given', 'member_id', NULL, '{lecture_id,entitlement_id,days}'),
  ('dispute.lost', 'member_id', NULL, '{order_id,payment_id}'),
  ('dispute.won', 'member_id', NULL, '{order_id,payment_id}'),
  ('entitlement.granted', 'member_id', 'entitlement_id', '{}'),
  ('entitlement.voided', 'member_id', NULL, '{entitlement_id}'),
  ('gift.claimed', 'giver_id', NULL, '{gift_id}'),
  ('invoice.asked', 'member_id', NULL, '{order_id,invoice_request_id}'),
  ('invoice.issued', 'member_id', NULL, '{order_id,invoice_request_id}'),
  ('invoice.refused', 'member_id', NULL, '{order_id,invoice_request_id}'),
  ('invoice.withdrawn', 'member_id', NULL, '{order_id,invoice_request_id}'),
  ('lecture.cancelled', 'lecture_id', NULL, '{sequence}'),
  ('lecture.changed', 'lecture_id', NULL, '{sequence}'),
  ('lecture.published', 'lecture_id', NULL, '{sequence}'),
  ('member.joined', 'member_id', NULL, '{}'),
  ('membership.cancelled', 'member_id', NULL, '{membership_id,product_id,status,ends_at}'),
  ('membership.changed', 'member_id', NULL, '{membership_id,product_id,status,ends_at}'),
  ('membership.ended', 'member_id', NULL, '{membership_id,product_id,ends_at}'),
  ('membership.ending', 'member_id', NULL, '{membership_id,product_id,ends_at}'),
  ('membership.paused', 'member_id', NULL, '{membership_id,product_id,status,ends_at,resume_at}'),
  ('membership.resumed', 'member_id', NULL, '{membership_id,product_id,status,ends_at}'),
  ('membership.returned', 'member_id', NULL, '{membership_id,product_id,status,ends_at}'),
  ('order.cancelled', 'member_id', NULL, '{order_id}'),
  ('order.created', 'member_id', NULL, '{order_id}'),
  ('order.expired', 'member_id', NULL, '{order_id}'),
  ('order.paid', 'member_id', NULL, '{order_id}'),
  ('payment.disputed', 'member_id', NULL, '{order_id,payment_id}'),
  ('payment.received', 'member_id', NULL, '{order_id,payment_id}'),
  ('payment.refunded', 'member_id', NULL, '{order_id,refund_id}'),
  ('payment.surplus', 'member_id', NULL, '{order_id,payment_id}'),
  ('refund.failed', 'member_id', NULL, '{order_id,request_id}'),
  ('renewal.announced', 'member_id', NULL, '{membership_id,order_id,due_at,total_minor,currency}'),
  ('renewal.reminded', 'member_id', NULL,
   '{membership_id,order_id,due_at,expires_at,step,steps,total_minor,currency}');
GRANT SELECT ON webhook_type TO lyceum_server;

-- Where a community wants to be told. A removed one keeps its row until its deliveries are tidied
-- away; its slot is free at once.
CREATE TABLE webhook_endpoint (
  community_id bigint NOT NULL CONSTRAINT webhook_endpoint_community REFERENCES community (id),
  id uuid NOT NULL,
  slot int CONSTRAINT webhook_endpoint_most CHECK (slot BETWEEN 1 AND 20),
  url text NOT NULL CONSTRAINT webhook_endpoint_url
    CHECK (url ~ '^https?://[^[:space:]@#]+$' AND length(url) <= 2000),
  description text CONSTRAINT webhook_endpoint_description
    CHECK (length(description) BETWEEN 1 AND 200),
  topics text[] CONSTRAINT webhook_endpoint_topics CHECK (topics <@ webhook_types()
    AND cardinality(topics) BETWEEN 1 AND 64),                -- null: all there are
  state text NOT NULL DEFAULT 'enabled'
    CONSTRAINT webhook_endpoint_state CHECK (state IN ('enabled', 'disabled', 'removed')),
  disabled_at timestamptz,
  disabled_reason text CONSTRAINT webhook_endpoint_reason
    CHECK (disabled_reason IN ('by_hand', 'gone', 'failing')),
  secret bytea,                                               -- sealed, and bound to this row
  previous bytea,                                             -- the one before it, the same
  previous_until timestamptz,
  since pg_snapshot,              -- what it can see happened before: it is not told of that
  failures int NOT NULL DEFAULT 0 CONSTRAINT webhook_endpoint_failures CHECK (failures >= 0),
  failing_since timestamptz,                                  -- nothing has arrived since
  rest_until timestamptz,                                     -- it is left alone until then
  last_status int,
  last_error text CONSTRAINT webhook_endpoint_error CHECK (length(last_error) <= 300),
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  version int NOT NULL DEFAULT 1,
  CONSTRAINT webhook_endpoint_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT webhook_endpoint_slot UNIQUE (community_id, slot),
  CONSTRAINT webhook_endpoint_creator FOREIGN KEY (community_id, created_by)
    REFERENCES member (community_id, id),
  CONSTRAINT webhook_endpoint_disabled CHECK (CASE state
    WHEN 'disabled' THEN num_nulls(disabled_at, disabled_reason) = 0
    ELSE num_nulls(disabled_at, disabled_reason) = 2 END),
  CONSTRAINT webhook_endpoint_removed CHECK (CASE state
    WHEN 'removed' THEN num_nulls(slot, secret, previous) = 3
    ELSE num_nulls(slot, secret) = 0 END),
  CONSTRAINT webhook_endpoint_previous CHECK ((previous IS NULL) = (previous_until IS NULL))
);
CREATE INDEX webhook_endpoint_enabled ON webhook_endpoint (community_id) WHERE state = 'enabled';
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_endpoint TO lyceum_server;

-- One event on its way to one endpoint. `id` is the event's: the same for all endpoints, at each
-- try, and when it is sent again by hand.
CREATE TABLE webhook_delivery (
  community_id bigint NOT NULL,
  endpoint_id uuid NOT NULL,
  id uuid NOT NULL,
  type text NOT NULL CONSTRAINT webhook_delivery_type
    CHECK (type = 'webhook.ping' OR type = ANY (webhook_types())),
  payload text NOT NULL CONSTRAINT webhook_delivery_payload  -- the bytes that are sent
    CHECK (octet_length(payload) BETWEEN 2 AND 16384),
  state text NOT NULL DEFAULT 'pending'
    CONSTRAINT webhook_delivery_state CHECK (state IN ('pending', 'delivered', 'failed')),
  attempts int NOT NULL DEFAULT 0
    CONSTRAINT webhook_delivery_attempts CHECK (attempts >= 0),
  step int NOT NULL DEFAULT 0                                 -- of the ladder of retries
    CONSTRAINT webhook_delivery_step CHECK (step BETWEEN 0 AND 10),
  next_at timestamptz,
  taken_until timestamptz,                                    -- somebody is trying it
  last_status int,
  last_error text CONSTRAINT webhook_delivery_error CHECK (length(last_error) <= 300),
  last_ms int,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  CONSTRAINT webhook_delivery_pkey PRIMARY KEY (community_id, endpoint_id, id),
  CONSTRAINT webhook_delivery_endpoint FOREIGN KEY (community_id, endpoint_id)
    REFERENCES webhook_endpoint (community_id, id),
  CONSTRAINT webhook_delivery_waits CHECK (CASE state
    WHEN 'pending' THEN next_at IS NOT NULL AND finished_at IS NULL
    ELSE num_nulls(next_at, taken_until) = 2 AND finished_at IS NOT NULL END)
);
CREATE INDEX webhook_delivery_pending ON webhook_delivery (community_id, endpoint_id, next_at)
  WHERE state = 'pending';
CREATE INDEX webhook_delivery_taken ON webhook_delivery (community_id, endpoint_id)
  WHERE taken_until IS NOT NULL;
CREATE INDEX webhook_delivery_failed ON webhook_delivery (community_id, endpoint_id, id)
  WHERE state = 'failed';
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_delivery TO lyceum_server;

-- Each try, and what came of it.
CREATE TABLE webhook_attempt (
  community_id bigint NOT NULL,
  endpoint_id uuid NOT NULL,
  delivery_id uuid NOT NULL,
  number int NOT NULL CONSTRAINT webhook_attempt_number CHECK (number >= 1),
  at timestamptz NOT NULL DEFAULT now(),
  ms int NOT NULL CONSTRAINT webhook_attempt_ms CHECK (ms >= 0),
  status int CONSTRAINT webhook_attempt_status CHECK (status BETWEEN 100 AND 999),
  error text CONSTRAINT webhook_attempt_error CHECK (length(error) <= 300),
  answer text CONSTRAINT webhook_attempt_answer CHECK (octet_length(answer) <= 1024),
  CONSTRAINT webhook_attempt_pkey PRIMARY KEY (community_id, endpoint_id, delivery_id, number),
  CONSTRAINT webhook_attempt_delivery FOREIGN KEY (community_id, endpoint_id, delivery_id)
    REFERENCES webhook_delivery (community_id, endpoint_id, id)
);
GRANT SELECT, INSERT, DELETE ON webhook_attempt TO lyceum_server;

-- What the public body of an event is; `data` without what is null.
CREATE FUNCTION webhook_payload(type text, at timestamptz, data jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_build_object('type', type, 'timestamp', iso(at), 'data', jsonb_strip_nulls(data))::text;

-- Takes the first free slot. Whoever meets another's row that is not committed yet waits for it,
-- and goes on to the next slot. False: all are taken. From the first endpoint on, the outbox is
-- read for this community, from here.
CREATE FUNCTION webhook_add(community bigint, id uuid, url text, description text, topics text[],
                            secret bytea, creator uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO outbox_cursor (community_id, consumer, at, id, xid)
  VALUES ($1, 'webhooks', now(), '00000000-0000-0000-0000-000000000000',
          pg_snapshot_xmin(pg_current_snapshot()))
  ON CONFLICT DO NOTHING;
  FOR i IN 1 .. 20 LOOP
    INSERT INTO webhook_endpoint (community_id, id, slot, url, description, topics, secret, since,
                                  created_by)
    SELECT $1, $2, i, $3, $4, $5, $6, pg_current_snapshot(), $7
    WHERE NOT EXISTS (SELECT FROM webhook_endpoint e WHERE e.community_id = $1 AND e.slot = i)
    ON CONFLICT ON CONSTRAINT webhook_endpoint_slot DO NOTHING;
    IF FOUND THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;

-- Makes the deliveries of what is new, and moves the cursor past it in the same transaction, as
-- notices_make does: of every enabled endpoint that wants the type, and could not see it already
-- when it was made or enabled.
CREATE FUNCTION webhooks_make(community bigint, most int) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  seen outbox_cursor;
  made bigint;
BEGIN
  SELECT * INTO seen FROM outbox_cursor c
  WHERE c.community_id = $1 AND c.consumer = 'webhooks' FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  WITH fresh AS MATERIALIZED (
    SELECT o.*, uuid7() AS event FROM outbox_fresh($1, seen, most) o
  ), events AS MATERIALIZED (
    SELECT o.xid, o.event, t.type, webhook_payload(t.type, o.at, jsonb_build_object(
        t.subject, o.subject_id, coalesce(t.own, t.subject),
        CASE WHEN t.own IS NULL THEN o.subject_id ELSE o.id END)
      || coalesce((SELECT jsonb_object_agg(f, o.payload -> f) FROM unnest(t.fields) AS f
                   WHERE o.payload ? f), '{}')) AS payload
    FROM fresh o JOIN webhook_type t ON t.type = o.topic
  ), posted AS (
    INSERT INTO webhook_delivery (community_id, endpoint_id, id, type, payload, next_at)
    SELECT $1, e.id, v.event, v.type, v.payload, now()
    FROM events v JOIN webhook_endpoint e ON e.community_id = $1 AND e.state = 'enabled'
      AND (e.topics IS NULL OR v.type = ANY (e.topics))
      AND (e.since IS NULL OR NOT pg_visible_in_snapshot(v.xid, e.since))
    RETURNING 1
  ), moved AS (
    UPDATE outbox_cursor c SET xid = f.xid, at = f.at, id = f.id
    FROM (SELECT * FROM fresh ORDER BY xid DESC, id DESC LIMIT 1) AS f
    WHERE c.community_id = $1 AND c.consumer = 'webhooks'
  )
  SELECT count(*) INTO made FROM posted;
  IF made > 0 THEN PERFORM pg_notify('lyceum', 'webhooks'); END IF;
  RETURN made > 0;
END $$;

-- How an endpoint is shown: never with its secrets.
CREATE VIEW webhook_shown AS
SELECT e.community_id, e.id, e.url, e.description, e.topics, e.state, e.disabled_at,
  e.disabled_reason, e.failing_since, e.last_status, e.last_error,
  CASE WHEN e.previous_until > now() THEN e.previous_until END AS previous_secret_until,
  e.created_at, e.updated_at, e.version
FROM webhook_endpoint e WHERE e.state <> 'removed';
GRANT SELECT ON webhook_shown TO lyceum_server;
