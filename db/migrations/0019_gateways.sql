-- Ways to pay: attempts that are looked after until they end, what providers tell, and the provider
-- that is built in for demonstrations, with a state of its own.

-- A provider is asked when its notification did not come; who asks takes the attempt by a lease.
-- `unwanted`: another took its place, so it is closed at the provider.
ALTER TABLE payment_attempt
  ADD next_look_at timestamptz,
  ADD taken_until timestamptz,
  ADD looks int NOT NULL DEFAULT 0,
  ADD unwanted boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX payment_attempt_one
  ON payment_attempt (community_id, order_id, provider, method)
  WHERE state = 'open' AND NOT unwanted;
CREATE INDEX payment_attempt_open ON payment_attempt (next_look_at) WHERE state = 'open';

-- What a notification says, in our words; the whole of it is sealed beside it. One that came before
-- the payment it is about waits for it.
ALTER TABLE payment_event
  ADD ref text,
  ADD facts jsonb;
CREATE INDEX payment_event_waiting ON payment_event (community_id, provider, ref)
  WHERE handled_at IS NULL;

-- The order ended: what is open of its attempts is closed at the providers now.
CREATE FUNCTION attempts_end(community bigint, order_id uuid) RETURNS void
LANGUAGE sql AS $$
  UPDATE payment_attempt a SET next_look_at = now(), taken_until = NULL,
    state = CASE a.provider WHEN 'hand' THEN 'closed' ELSE a.state END,
    ended_at = CASE a.provider WHEN 'hand' THEN now() END
  WHERE a.community_id = $1 AND a.order_id = $2 AND a.state = 'open'
$$;

-- Opens a way to pay an order, or finds the one that is open: asking twice pays once. `of_member`
-- null: an operator asks. Answers a refusal's code, or the attempt.
CREATE FUNCTION attempt_open(community bigint, order_id uuid, attempt uuid, of_member uuid,
                             by_provider text, by_method text)
RETURNS TABLE (refusal text, created boolean, id uuid, amount bigint, money text,
               until timestamptz, url text)
LANGUAGE plpgsql AS $$
DECLARE
  o orders;
  a payment_attempt;
  due bigint;
BEGIN
  SELECT x.* INTO o FROM orders x
  WHERE x.community_id = $1 AND x.id = $2 AND ($4 IS NULL OR x.member_id = $4) FOR NO KEY UPDATE;
  IF NOT FOUND THEN refusal := 'not_found'; RETURN NEXT; RETURN; END IF;
  due := o.total_minor - o.paid_minor;
  IF o.closed_at IS NOT NULL OR o.settled_at IS NOT NULL OR due = 0 OR o.expires_at <= now()
     OR o.refunded_minor > 0 OR o.disputed_at IS NOT NULL OR EXISTS (
       SELECT FROM order_line t JOIN lecture l ON l.community_id = $1 AND l.id = t.lecture_id
       WHERE t.community_id = $1 AND t.order_id = $2
         AND (l.status <> 'scheduled' OR lower(l.during) <= now())) THEN
    refusal := 'state_forbids'; RETURN NEXT; RETURN;
  END IF;
  IF by_provider = 'hand' AND o.kind <> 'ticket' THEN  -- days; a seat does not wait
    UPDATE orders x SET expires_at = greatest(x.expires_at,
      x.created_at + (policy_of($1)).hand_days * interval '24 hours')
    WHERE x.community_id = $1 AND x.id = $2 AND x.expires_at IS NOT NULL
    RETURNING x.* INTO o;
    UPDATE code_hold h SET expires_at = o.expires_at
    WHERE h.community_id = $1 AND h.order_id = $2 AND h.ended_at IS NULL;
  END IF;
  SELECT x.* INTO a FROM payment_attempt x
  WHERE x.community_id = $1 AND x.order_id = $2 AND x.provider = by_provider
    AND x.method = by_method AND x.state = 'open' AND NOT x.unwanted;
  created := a.id IS NULL OR a.amount_minor <> due OR coalesce(a.expires_at <= now(), false);
  IF created THEN
    UPDATE payment_attempt x SET unwanted = true, next_look_at = now()
    WHERE x.community_id = $1 AND x.id = a.id;
    INSERT INTO payment_attempt (community_id, id, order_id, provider, method, amount_minor,
                                 currency, expires_at, next_look_at)
    VALUES ($1, $3, $2, by_provider, by_method, due, o.currency, o.expires_at,
            CASE WHEN by_provider <> 'hand' THEN least(now() + interval '3 minutes',
              greatest(now() + interval '30 seconds', o.expires_at - interval '1 minute')) END)
    RETURNING * INTO a;
  END IF;
  id := a.id; amount := a.amount_minor; money := a.currency; until := a.expires_at;
  url := a.pay_url;
  RETURN NEXT;
END $$;

-- Asks for money to go back. By hand it went already, and the reference says how; else it is done
-- by who looks after requests. A surplus, and what was paid of an order that was closed, goes back
-- by itself: what is asked for is only that it be tried again, or, by hand, that it was done.
CREATE FUNCTION refund_ask(community bigint, order_id uuid, request uuid, of_payment uuid,
                           amount bigint, why text, keep boolean, ref text, actor uuid)
RETURNS TABLE (refusal text, pointer text, fault text, id uuid)
LANGUAGE plpgsql AS $$
DECLARE
  o orders;
  p payment;
  q refund_request;
  going bigint;
BEGIN
  SELECT x.* INTO o FROM orders x WHERE x.community_id = $1 AND x.id = $2 FOR NO KEY UPDATE;
  IF NOT FOUND THEN refusal := 'not_found'; RETURN NEXT; RETURN; END IF;
  SELECT x.* INTO p FROM payment x
  WHERE x.community_id = $1 AND x.order_id = $2
    AND CASE WHEN of_payment IS NULL THEN NOT x.surplus ELSE x.id = of_payment END
  ORDER BY payment_left($1, x.id) >= amount DESC, x.paid_at DESC, x.id DESC LIMIT 1;
  IF p.id IS NULL AND of_payment IS NOT NULL THEN
    refusal := 'body_invalid'; pointer := '/payment_id'; fault := 'unknown';
  ELSIF p.id IS NULL OR o.disputed_at IS NOT NULL THEN
    refusal := 'state_forbids';
  ELSIF (p.provider = 'hand') <> (ref IS NOT NULL) THEN
    refusal := 'body_invalid'; pointer := '/reference';
    fault := CASE WHEN ref IS NULL THEN 'required' ELSE 'superfluous' END;
  ELSIF EXISTS (SELECT FROM refund r WHERE r.community_id = $1 AND r.provider = p.provider
                AND r.provider_ref = ref) THEN
    refusal := 'reference_taken';
  ELSIF p.surplus OR o.closed_at IS NOT NULL THEN
    SELECT x.* INTO q FROM refund_request x
    WHERE x.community_id = $1 AND x.payment_id = p.id AND x.state <> 'done' LIMIT 1;
    IF q.id IS NULL OR q.state <> 'failed' AND p.provider <> 'hand' THEN
      refusal := 'state_forbids';
    ELSIF amount <> q.amount_minor THEN
      refusal := 'body_invalid'; pointer := '/amount_minor'; fault := 'differs';
    ELSE
      UPDATE refund_request x SET state = 'asked', tries = 0, next_try_at = now(), asked_by = actor,
        error = NULL, finished_at = NULL
      WHERE x.community_id = $1 AND x.id = q.id;
      id := q.id;
    END IF;
  ELSE
    SELECT coalesce(sum(x.amount_minor), 0) INTO going FROM refund_request x
    JOIN payment y ON y.community_id = $1 AND y.id = x.payment_id AND NOT y.surplus
    WHERE x.community_id = $1 AND y.order_id = $2 AND x.state IN ('asked', 'processing');
    IF amount > least(payment_left($1, p.id),
                      o.paid_minor - o.refunded_minor - o.credited_minor - going) THEN
      refusal := 'body_invalid'; pointer := '/amount_minor'; fault := 'too_much';
    ELSE
      INSERT INTO refund_request (community_id, id, payment_id, amount_minor, reason, asked_by,
                                  keeps)
      VALUES ($1, request, p.id, amount, why, actor, keep);
      id := request;
    END IF;
  END IF;
  IF id IS NOT NULL AND p.provider = 'hand' THEN
    PERFORM refund_record($1, uuid7(), p.id, ref, amount, why, actor, now(), keep, id);
  END IF;
  RETURN NEXT;
END $$;

-- The provider says that a refund went through; `ref` is its name of it.
CREATE FUNCTION refund_finish(community bigint, request uuid, ref text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  q refund_request;
  said text;
BEGIN
  SELECT x.* INTO q FROM refund_request x WHERE x.community_id = $1 AND x.id = $2;
  IF NOT FOUND OR q.state = 'done' THEN RETURN 'repeated'; END IF;
  said := refund_record($1, uuid7(), q.payment_id, ref, q.amount_minor, q.reason, q.asked_by,
                        now(), q.keeps, q.id);
  UPDATE refund_request x SET finished_at = now(), provider_ref = ref,
    state = CASE WHEN said = 'repeated' THEN 'done' ELSE 'failed' END,
    error = CASE WHEN said <> 'repeated' THEN said END
  WHERE x.community_id = $1 AND x.id = $2 AND x.state <> 'done' AND said <> 'counted';
  INSERT INTO audit_log (community_id, id, via, action, target_kind, target_id, after)
  VALUES ($1, uuid7(), 'job', 'refund.finish', 'payment', q.payment_id,
          jsonb_build_object('request_id', $2, 'reference', ref, 'outcome', said));
  RETURN said;
END $$;

-- What a provider says of a payment, told by a notification or asked for. Each of these may come
-- twice and in any order: what is known changes nothing, and what comes too early `waits`.
CREATE FUNCTION payment_fact_apply(community bigint, by_provider text, facts jsonb, via text)
RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  kind text := facts ->> 'kind';
  ref text := facts ->> 'ref';
  amount bigint := (facts ->> 'amount')::bigint;
  at timestamptz := least(now(), (facts ->> 'at')::timestamptz);
  a payment_attempt;
  p payment;
  q refund_request;
  outcome text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended($1 || ' ' || by_provider || ' ' || ref, 0));
  SELECT x.* INTO p FROM payment x
  WHERE x.community_id = $1 AND x.provider = by_provider AND x.provider_ref = ref;
  IF kind LIKE 'rene%' THEN
    IF p.id IS NOT NULL THEN RETURN 'repeated'; END IF;
    outcome := renewal_fact($1, by_provider, facts, at);
  ELSIF kind IN ('paid', 'failed', 'closed') THEN
    SELECT x.* INTO a FROM payment_attempt x
    WHERE x.community_id = $1 AND x.provider = by_provider
      AND x.id = (facts ->> 'attempt')::uuid;
    IF NOT FOUND THEN RETURN 'not_found'; END IF;
    IF a.provider_ref <> ref AND kind = 'paid' THEN RETURN 'differs'; END IF;
    IF kind <> 'paid' THEN
      UPDATE payment_attempt x SET state = kind, ended_at = now()
      WHERE x.community_id = $1 AND x.id = a.id AND x.state = 'open';
      RETURN CASE WHEN FOUND THEN 'counted' ELSE 'repeated' END;
    END IF;
    IF amount <> a.amount_minor OR facts ->> 'currency' <> a.currency THEN RETURN 'differs'; END IF;
    IF p.id IS NOT NULL THEN RETURN 'repeated'; END IF;
    SELECT r.outcome INTO outcome
    FROM payment_record($1, a.order_id, uuid7(), by_provider, ref, amount, a.currency, at,
                        coalesce((facts ->> 'fee')::bigint, 0), NULL, NULL, NULL) r;
    IF outcome NOT IN ('counted', 'surplus') THEN RETURN outcome; END IF;
    UPDATE payment_attempt x SET state = 'paid', provider_ref = ref, ended_at = now()
    WHERE x.community_id = $1 AND x.id = a.id;
    PERFORM renewal_bind($1, a.order_id, by_provider, facts ->> 'subscription',
                         outcome = 'counted');
  ELSIF p.id IS NULL THEN
    RETURN 'waits';
  ELSIF facts ->> 'currency' <> p.currency OR amount > p.amount_minor THEN
    RETURN 'differs';
  ELSIF kind = 'refunded' THEN
    SELECT x.* INTO q FROM refund_request x
    WHERE x.community_id = $1 AND x.id = (facts ->> 'request')::uuid AND x.payment_id = p.id;
    outcome := refund_record($1, uuid7(), p.id, facts ->> 'refund_ref', amount,
      coalesce(q.reason, facts ->> 'reason'), q.asked_by, at, coalesce(q.keeps, false), q.id);
  ELSIF kind = 'disputed' THEN
    outcome := dispute_open($1, uuid7(), p.id, facts ->> 'dispute_ref', amount,
                            facts ->> 'reason', at);
  ELSIF kind IN ('won', 'lost') THEN  -- perhaps before we heard that it was opened
    PERFORM dispute_open($1, uuid7(), p.id, facts ->> 'dispute_ref', amount,
                         facts ->> 'reason', at);
    outcome := dispute_end($1, p.id, facts ->> 'dispute_ref', kind = 'won', at);
  ELSE
    RETURN 'not_ours';
  END IF;
  IF outcome IN ('counted', 'surplus') THEN
    INSERT INTO audit_log (community_id, id, via, action, target_kind, target_id, after)
    VALUES ($1, uuid7(), $4, 'payment.' || kind, 'order',
            coalesce(p.order_id, a.order_id, (SELECT x.order_id FROM payment x
              WHERE x.community_id = $1 AND x.provider = by_provider AND x.provider_ref = ref)),
            facts || jsonb_build_object('outcome', outcome));
  END IF;
  IF kind IN ('paid', 'renewed') THEN PERFORM payment_events_waiting($1, by_provider, ref); END IF;
  IF kind = 'paid' THEN
    PERFORM payment_events_waiting($1, by_provider, facts ->> 'subscription');
  END IF;
  RETURN outcome;
END $$;

-- Handles one notification: kept first, so that a second one of its name does nothing.
CREATE FUNCTION payment_event_take(community bigint, by_provider text, event text, facts jsonb,
                                   sealed bytea) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  said text;
BEGIN
  -- What is told of one payment follows each other, and of one subscription.
  PERFORM pg_advisory_xact_lock(hashtextextended($1 || ' ' || by_provider || ' ' || x, 0))
  FROM unnest(ARRAY[facts ->> 'ref', facts ->> 'subscription']) WITH ORDINALITY AS t (x, place)
  WHERE x IS NOT NULL ORDER BY place;
  INSERT INTO payment_event (community_id, provider, event_id, kind, sealed_body, ref, facts)
  VALUES ($1, by_provider, event, facts ->> 'kind', sealed,
    CASE WHEN facts ->> 'kind' LIKE 'rene%' THEN facts ->> 'subscription'
         ELSE facts ->> 'ref' END, facts)
  ON CONFLICT (community_id, provider, event_id) DO NOTHING;
  IF NOT FOUND THEN RETURN 'repeated'; END IF;
  said := payment_fact_apply($1, by_provider, facts, 'webhook');
  UPDATE payment_event e SET outcome = said, handled_at = CASE WHEN said <> 'waits' THEN now() END
  WHERE e.community_id = $1 AND e.provider = by_provider AND e.event_id = event;
  RETURN said;
END $$;

-- Does what came before the payment that it is about.
CREATE FUNCTION payment_events_waiting(community bigint, by_provider text, of_ref text)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  said text;
  one record;
BEGIN
  FOR one IN
    SELECT e.event_id, e.facts FROM payment_event e
    WHERE e.community_id = $1 AND e.provider = by_provider AND e.ref = of_ref
      AND e.handled_at IS NULL AND e.outcome = 'waits' ORDER BY e.received_at, e.event_id
  LOOP
    said := payment_fact_apply($1, by_provider, one.facts, 'webhook');
    UPDATE payment_event e SET outcome = said,
      handled_at = CASE WHEN said <> 'waits' THEN now() END
    WHERE e.community_id = $1 AND e.provider = by_provider AND e.event_id = one.event_id;
  END LOOP;
END $$;

-- ---- the built-in provider ----
-- It stands for an outside system: these tables are its own, and only its functions know them.
CREATE TABLE test_charge (
  community_id bigint NOT NULL CONSTRAINT test_charge_community REFERENCES community (id),
  id uuid NOT NULL,
  key text NOT NULL,                            -- Idempotency-Key of who made it
  amount_minor bigint NOT NULL CONSTRAINT test_charge_amount CHECK (amount_minor > 0),
  currency text NOT NULL,
  subject text NOT NULL,
  state text NOT NULL DEFAULT 'open'
    CONSTRAINT test_charge_state CHECK (state IN ('open', 'paid', 'failed', 'closed')),
  dispute text CONSTRAINT test_charge_dispute CHECK (dispute IN ('open', 'won', 'lost')),
  refunded_minor bigint NOT NULL DEFAULT 0,
  expires_at timestamptz,
  paid_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT test_charge_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT test_charge_key UNIQUE (community_id, key),
  CONSTRAINT test_charge_refunded CHECK (refunded_minor BETWEEN 0 AND amount_minor)
);
CREATE TABLE test_refund (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  key text NOT NULL,
  charge_id uuid NOT NULL,
  amount_minor bigint NOT NULL CONSTRAINT test_refund_amount CHECK (amount_minor > 0),
  CONSTRAINT test_refund_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT test_refund_key UNIQUE (community_id, key),
  CONSTRAINT test_refund_charge FOREIGN KEY (community_id, charge_id)
    REFERENCES test_charge (community_id, id)
);
-- Its notifications: how often each is still to be sent, and when. One that is held goes after the
-- next one.
CREATE TABLE test_event (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  charge_id uuid NOT NULL,
  payload text NOT NULL,
  copies int NOT NULL CONSTRAINT test_event_copies CHECK (copies BETWEEN 0 AND 10),
  due_at timestamptz NOT NULL,
  held boolean NOT NULL DEFAULT false,
  tries int NOT NULL DEFAULT 0,
  CONSTRAINT test_event_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT test_event_charge FOREIGN KEY (community_id, charge_id)
    REFERENCES test_charge (community_id, id)
);
CREATE INDEX test_event_due ON test_event (due_at) WHERE copies > 0;
GRANT SELECT, INSERT, UPDATE ON test_charge, test_refund, test_event TO lyceum_server;

CREATE FUNCTION test_emit(community bigint, c test_charge, type text, more jsonb, how jsonb)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  event uuid := uuid7();
  hold boolean := coalesce((how ->> 'hold')::boolean, false);
BEGIN
  UPDATE test_event e SET held = false, due_at = now() + interval '1 second'
  WHERE e.community_id = $1 AND e.charge_id = c.id AND e.held;
  INSERT INTO test_event (community_id, id, charge_id, payload, copies, due_at, held)
  VALUES ($1, event, c.id, (jsonb_build_object('id', event, 'type', type, 'charge', c.id,
      'reference', c.key, 'amount_minor', c.amount_minor, 'currency', c.currency,
      'at', iso(now())) || coalesce(more, '{}'))::text,
    CASE WHEN (how ->> 'twice')::boolean THEN 2 ELSE 1 END,
    now() + CASE WHEN hold THEN interval '60 seconds'
                 WHEN (how ->> 'late')::boolean THEN interval '10 seconds' ELSE interval '0' END,
    hold);
  PERFORM pg_notify('lyceum', 'errands');
END $$;

CREATE FUNCTION test_charge_shown(c test_charge) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('id', ($1).id, 'reference', ($1).key, 'state', ($1).state,
    'amount_minor', ($1).amount_minor, 'currency', ($1).currency,
    'at', iso(coalesce(($1).paid_at, ($1).created_at)))
$$;

-- What our gateway may ask of it: {"do": "start" | "query" | "close" | "refund", "key", …}. A
-- refusal is {"error": …}.
CREATE FUNCTION test_serve(community bigint, asked jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  c test_charge;
  back uuid;
BEGIN
  IF asked ->> 'do' = 'stop' THEN  -- it charges nobody by itself: there is nothing to end
    RETURN jsonb_build_object('state', 'closed', 'id', asked ->> 'subscription');
  END IF;
  IF asked ->> 'do' = 'start' THEN
    INSERT INTO test_charge (community_id, id, key, amount_minor, currency, subject, expires_at)
    VALUES ($1, uuid7(), asked ->> 'key', (asked ->> 'amount_minor')::bigint,
            asked ->> 'currency', asked ->> 'subject', (asked ->> 'expires_at')::timestamptz)
    ON CONFLICT (community_id, key) DO NOTHING;
  END IF;
  SELECT x.* INTO c FROM test_charge x
  WHERE x.community_id = $1 AND x.key = asked ->> 'charge_key' FOR UPDATE;
  IF NOT FOUND THEN RETURN '{"error": "no such charge"}'; END IF;
  IF asked ->> 'do' = 'close' THEN
    UPDATE test_charge x SET state = 'closed'
    WHERE x.community_id = $1 AND x.id = c.id AND x.state = 'open' RETURNING x.* INTO c;
    SELECT x.* INTO c FROM test_charge x
    WHERE x.community_id = $1 AND x.key = asked ->> 'charge_key';
  ELSIF asked ->> 'do' = 'refund' THEN
    SELECT r.id INTO back FROM test_refund r WHERE r.community_id = $1 AND r.key = asked ->> 'key';
    IF NOT FOUND THEN
      IF c.state <> 'paid' OR c.dispute IN ('open', 'lost')
         OR c.refunded_minor + (asked ->> 'amount_minor')::bigint > c.amount_minor THEN
        RETURN '{"error": "it can not be refunded"}';
      END IF;
      back := uuid7();
      INSERT INTO test_refund (community_id, id, key, charge_id, amount_minor)
      VALUES ($1, back, asked ->> 'key', c.id, (asked ->> 'amount_minor')::bigint);
      UPDATE test_charge x
      SET refunded_minor = x.refunded_minor + (asked ->> 'amount_minor')::bigint
      WHERE x.community_id = $1 AND x.id = c.id;
      PERFORM test_emit($1, c, 'refunded', jsonb_build_object('refund', back,
        'request', asked ->> 'key', 'amount_minor', (asked ->> 'amount_minor')::bigint), '{}');
    END IF;
    RETURN test_charge_shown(c) || jsonb_build_object('state', 'refunded', 'refund', back);
  END IF;
  RETURN test_charge_shown(c);
END $$;

-- What a payer does on its page; how it is told is said by `how`: twice, late, hold.
CREATE FUNCTION test_act(community bigint, charge uuid, act text, how jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  c test_charge;
BEGIN
  UPDATE test_charge x SET
    state = CASE act WHEN 'pay' THEN 'paid' WHEN 'fail' THEN 'failed' ELSE x.state END,
    paid_at = CASE act WHEN 'pay' THEN now() ELSE x.paid_at END,
    dispute = CASE act WHEN 'dispute' THEN 'open' WHEN 'win' THEN 'won' WHEN 'lose' THEN 'lost' END
  WHERE x.community_id = $1 AND x.id = $2 AND CASE act
      WHEN 'pay' THEN x.state = 'open' AND coalesce(x.expires_at > now(), true)
      WHEN 'fail' THEN x.state = 'open'
      WHEN 'dispute' THEN x.state = 'paid' AND x.dispute IS NULL
        AND x.refunded_minor < x.amount_minor
      WHEN 'win' THEN x.dispute = 'open'
      WHEN 'lose' THEN x.dispute = 'open' ELSE false END
  RETURNING x.* INTO c;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM test_emit($1, c,
    CASE act WHEN 'pay' THEN 'paid' WHEN 'fail' THEN 'failed' WHEN 'dispute' THEN 'disputed'
             WHEN 'win' THEN 'won' ELSE 'lost' END,
    CASE WHEN act IN ('dispute', 'win', 'lose') THEN jsonb_build_object('dispute', 'd-' || c.id,
      'amount_minor', c.amount_minor - c.refunded_minor) END, how);
END $$;
