-- Renewals that a provider drives: it charges a subscription by itself and tells of it. What it
-- bought, reminders, grace and the end are as for all others; only who asks for the money differs.

-- Subscriptions to be ended at their provider: their membership was given up, changed or ended, or
-- the order that began them was paid already. Asked for again until the provider has said so.
CREATE TABLE renewal_stop (
  community_id bigint NOT NULL CONSTRAINT renewal_stop_community REFERENCES community (id),
  id uuid NOT NULL,
  provider text NOT NULL,
  subscription text NOT NULL,
  order_id uuid NOT NULL,                       -- what is charged nevertheless, goes back by this
  tries int NOT NULL DEFAULT 0,
  next_try_at timestamptz NOT NULL DEFAULT now(),
  asked_at timestamptz NOT NULL DEFAULT now(),
  done_at timestamptz,
  refused boolean NOT NULL DEFAULT false,       -- it goes on there: people must look at it
  CONSTRAINT renewal_stop_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT renewal_stop_once UNIQUE (community_id, provider, subscription),
  CONSTRAINT renewal_stop_order FOREIGN KEY (community_id, order_id)
    REFERENCES orders (community_id, id)
);
CREATE INDEX renewal_stop_open ON renewal_stop (next_try_at) WHERE done_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON renewal_stop TO lyceum_server;

CREATE FUNCTION subscription_stop(community bigint, provider text, subscription text,
                                  order_id uuid) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO renewal_stop (community_id, id, provider, subscription, order_id)
  VALUES ($1, uuid7(), $2, $3, $4) ON CONFLICT ON CONSTRAINT renewal_stop_once DO NOTHING
$$;

-- The last order of a membership that is done with: what comes for it goes back.
CREATE FUNCTION last_order(community bigint, m membership) RETURNS uuid
LANGUAGE sql STABLE AS $$
  SELECT o.id FROM orders o JOIN order_line l ON l.community_id = $1 AND l.order_id = o.id
  WHERE o.community_id = $1 AND o.member_id = m.member_id AND l.product_id = m.product_id
    AND (o.settled_at IS NOT NULL OR o.closed_at IS NOT NULL)
  ORDER BY o.created_at DESC, o.id DESC LIMIT 1
$$;

-- The membership is no longer renewed by its provider, which is told so.
CREATE FUNCTION renewal_let_go(community bigint, membership uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  old membership;
BEGIN
  SELECT x.* INTO old FROM membership x
  WHERE x.community_id = $1 AND x.id = $2 AND x.renewal_ref IS NOT NULL FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM subscription_stop($1, old.renewal_provider, old.renewal_ref, last_order($1, old));
  UPDATE membership x SET renewal_provider = NULL, renewal_ref = NULL
  WHERE x.community_id = $1 AND x.id = $2;
END $$;

-- An order was paid by what begins a subscription: its membership goes on by that. Whoever paid
-- twice has one too many.
CREATE FUNCTION renewal_bind(community bigint, order_id uuid, by_provider text, subscription text,
                             counted boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  m membership;
BEGIN
  IF subscription IS NULL THEN RETURN; END IF;
  SELECT x.* INTO m FROM orders o
  JOIN order_line l ON l.community_id = $1 AND l.order_id = o.id
  JOIN membership x ON x.community_id = $1 AND x.member_id = o.member_id
    AND x.product_id = l.product_id AND x.ended_at IS NULL AND x.auto_renew
  WHERE o.community_id = $1 AND o.id = $2 AND o.settled_at IS NOT NULL LIMIT 1;
  IF m.id IS NULL OR NOT counted THEN
    PERFORM subscription_stop($1, by_provider, subscription, $2);
  ELSIF m.renewal_ref IS DISTINCT FROM subscription THEN
    PERFORM renewal_let_go($1, m.id);
    UPDATE membership x SET renewal_provider = by_provider, renewal_ref = subscription
    WHERE x.community_id = $1 AND x.id = m.id;
  END IF;
END $$;

-- The order that a charge is for: the renewal that waits, or is opened for it. Of a membership that
-- is not renewed any more, its last one: that is paid, so the money goes back.
CREATE FUNCTION renewal_order(community bigint, m membership, at timestamptz) RETURNS uuid
LANGUAGE sql AS $$
  SELECT coalesce((renewal_waiting($1, m.id)).id,
    CASE WHEN m.ended_at IS NULL AND m.auto_renew THEN renewal_open($1, m, at) END,
    last_order($1, m))
$$;

-- A subscription that is to be stopped was charged once more: the money goes back.
CREATE FUNCTION renewal_unwanted(community bigint, by_provider text, facts jsonb, at timestamptz)
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  s renewal_stop;
  said text;
BEGIN
  SELECT x.* INTO s FROM renewal_stop x WHERE x.community_id = $1 AND x.provider = by_provider
    AND x.subscription = facts ->> 'subscription';
  IF NOT FOUND THEN RETURN 'waits'; END IF;
  IF facts ->> 'kind' <> 'renewed' THEN RETURN 'repeated'; END IF;
  SELECT r.outcome INTO said FROM payment_record($1, s.order_id, uuid7(), by_provider,
    facts ->> 'ref', (facts ->> 'amount')::bigint, facts ->> 'currency', at,
    coalesce((facts ->> 'fee')::bigint, 0), NULL, NULL, NULL) r;
  RETURN said;
END $$;

-- What a provider says of a subscription. Told before we know of it, it `waits`.
CREATE FUNCTION renewal_fact(community bigint, by_provider text, facts jsonb, at timestamptz)
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  m membership;
  o orders;
  due uuid;
  said text;
BEGIN
  SELECT x.* INTO m FROM membership x WHERE x.community_id = $1
    AND x.renewal_provider = by_provider AND x.renewal_ref = facts ->> 'subscription';
  IF NOT FOUND THEN RETURN renewal_unwanted($1, by_provider, facts, at); END IF;
  PERFORM hold_renewal($1, m.id);
  PERFORM hold_member($1, m.member_id);
  SELECT x.* INTO m FROM membership x WHERE x.community_id = $1 AND x.id = m.id;
  IF facts ->> 'kind' = 'renewal_stopped' THEN
    UPDATE membership x SET renewal_provider = NULL, renewal_ref = NULL, auto_renew = false,
      version = x.version + 1
    WHERE x.community_id = $1 AND x.id = m.id;
    PERFORM order_close($1, (renewal_waiting($1, m.id)).id, 'cancelled');
    RETURN 'counted';
  END IF;
  due := renewal_order($1, m, at);
  SELECT x.* INTO o FROM orders x WHERE x.community_id = $1 AND x.id = due;
  IF facts ->> 'kind' = 'renewal_failed' THEN
    IF o.settled_at IS NOT NULL OR o.closed_at IS NOT NULL THEN RETURN 'repeated'; END IF;
    INSERT INTO outbox (community_id, id, topic, subject_id, payload)
    VALUES ($1, uuid7(), 'renewal.reminded', m.member_id, jsonb_build_object('order_id', o.id,
      'membership_id', m.id, 'due_at', iso(o.due_at), 'expires_at', iso(o.expires_at),
      'total_minor', o.total_minor, 'currency', o.currency));
    RETURN 'counted';
  END IF;
  IF (facts ->> 'amount')::bigint <> o.total_minor OR facts ->> 'currency' <> o.currency THEN
    RETURN 'differs';
  END IF;
  SELECT r.outcome INTO said FROM payment_record($1, o.id, uuid7(), by_provider, facts ->> 'ref',
    o.total_minor, o.currency, at, coalesce((facts ->> 'fee')::bigint, 0), NULL, NULL, NULL) r;
  RETURN said;
END $$;
