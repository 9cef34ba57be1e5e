-- The life of a membership: renewals that drive themselves, notice, pause and return.
-- What is to be done at a moment is decided in one place, life_due(); whoever does it asks there,
-- under the member's lock. Nothing here decides about access: that follows from the spans alone.

-- How far the walk through a community's members has come (see life_walk).
CREATE TABLE life_walk (
  community_id bigint NOT NULL CONSTRAINT life_walk_pkey PRIMARY KEY
    CONSTRAINT life_walk_community REFERENCES community (id),
  after_id uuid,                                -- null: it rests
  walked_at timestamptz NOT NULL DEFAULT '-infinity'
);
GRANT SELECT, INSERT, UPDATE ON life_walk TO lyceum_server;

-- Which end was told of last, so that each end is told of once, also of those who live by codes.
CREATE TABLE end_told (
  community_id bigint NOT NULL,
  member_id uuid NOT NULL,
  product_id uuid NOT NULL,
  topic text NOT NULL CONSTRAINT end_told_topic CHECK (topic IN ('ending', 'ended')),
  ends_at timestamptz NOT NULL,
  CONSTRAINT end_told_pkey PRIMARY KEY (community_id, member_id, product_id, topic)
);
GRANT SELECT, INSERT, UPDATE ON end_told TO lyceum_server;

CREATE INDEX membership_of_member ON membership (community_id, member_id);

-- Whoever pays takes the order first and the member then; so does whoever changes a membership.
CREATE FUNCTION hold_renewal(community bigint, membership uuid) RETURNS void
LANGUAGE plpgsql AS $$ BEGIN
  PERFORM FROM orders o WHERE o.community_id = $1 AND o.membership_id = $2
    AND o.kind = 'renewal' AND o.closed_at IS NULL AND o.settled_at IS NULL FOR NO KEY UPDATE;
END $$;

-- How long after its due date a renewal waits: a day longer than the last reminder.
CREATE FUNCTION ladder_length(pol selling_policy) RETURNS interval
LANGUAGE sql IMMUTABLE
RETURN (1 + pol.dunning_days[cardinality(pol.dunning_days)]) * interval '24 hours';

CREATE FUNCTION renewal_terms(community bigint, m membership, at timestamptz) RETURNS jsonb
LANGUAGE sql STABLE
RETURN quote_make(community, (m).member_id,
  jsonb_build_object('kind', 'renewal', 'membership_id', (m).id), NULL, at);

-- What is to be done about one product of a member's at a moment; null: nothing.
--   open      the renewal's order            announce  tell of it, before it is due
--   remind    a step of the dunning ladder   redate    the end has moved: so does the due date
--   close     a renewal that nobody wants    replace   one of a plan that is no longer held
--   end       the membership
--   ending, ended                            tell of an end that no renewal follows
-- `again`: a renewal that was called off for this very end may be opened again.
CREATE FUNCTION life_due(community bigint, of_member uuid, of_product uuid, at timestamptz,
                         again boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  day CONSTANT interval := '24 hours';
  pol selling_policy := policy_of($1);
  m membership;
  o orders;
  last entitlement;
  ends timestamptz;
  over timestamptz;
BEGIN
  SELECT x.* INTO m FROM membership x WHERE x.community_id = $1 AND x.member_id = $2
    AND x.product_id = $3 AND x.ended_at IS NULL;
  SELECT e.* INTO last FROM entitlement e WHERE e.community_id = $1 AND e.member_id = $2
    AND e.product_id = $3 AND e.voided_at IS NULL ORDER BY upper(e.span) DESC LIMIT 1;
  ends := upper(last.span);
  over := ends + last.grace_days * day;
  IF m.id IS NOT NULL THEN
    o := renewal_waiting($1, m.id);
    IF o.id IS NOT NULL AND NOT m.auto_renew AND o.paid_minor = 0 THEN RETURN 'close'; END IF;
    IF m.paused_at <= $4 AND m.resume_at > $4 OR EXISTS (  -- neither who pauses nor a dispute
      SELECT FROM orders d JOIN order_line l ON l.community_id = $1 AND l.order_id = d.id
      WHERE d.community_id = $1 AND d.member_id = $2 AND d.disputed_at IS NOT NULL
        AND l.product_id = $3) THEN RETURN NULL; END IF;
    IF o.id IS NOT NULL THEN
      RETURN CASE
        WHEN o.status NOT IN ('pending', 'partly_paid') OR ends IS NULL THEN NULL
        WHEN EXISTS (SELECT FROM order_line l WHERE l.community_id = $1 AND l.order_id = o.id
                     AND l.plan_id <> coalesce(m.next_plan_id, m.plan_id)) THEN 'replace'
        WHEN ends <> o.due_at THEN 'redate'
        WHEN o.expires_at <= $4 THEN NULL      -- closed in a moment
        WHEN o.reminded < (SELECT count(*) FROM unnest(pol.dunning_days) d
                           WHERE o.due_at + d * day <= $4) THEN 'remind'
        WHEN o.announced_at IS NULL AND o.due_at - pol.notice_days * day <= $4
             AND o.due_at > $4 THEN 'announce' END;
    END IF;
    IF m.auto_renew AND m.renewal_provider IS NOT NULL THEN RETURN NULL; END IF;
    IF m.auto_renew AND ends IS NOT NULL AND (again OR NOT EXISTS (
        SELECT FROM orders x WHERE x.community_id = $1 AND x.membership_id = m.id
          AND x.kind = 'renewal' AND x.closed_at IS NOT NULL AND x.due_at = ends)) THEN
      -- One paid period ahead is enough; a rest of one, or days that were given, are less.
      IF $4 < greatest(ends - pol.renewal_days * day,
                       CASE WHEN last.source = 'order' THEN lower(last.span) END) THEN
        RETURN NULL;
      END IF;
      IF EXISTS (SELECT FROM member x WHERE x.community_id = $1 AND x.id = $2
                 AND x.left_at IS NULL AND member_state(x, $4) <> 'banned')
         AND NOT renewal_terms($1, m, $4) ? 'refusal' THEN RETURN 'open'; END IF;
    END IF;
    IF coalesce(over <= $4, true) THEN RETURN 'end'; END IF;
  ELSIF ends IS NULL OR NOT EXISTS (SELECT FROM product p WHERE p.community_id = $1 AND p.id = $3
                                    AND p.kind = 'membership') THEN
    RETURN NULL;
  END IF;
  -- An end without a renewal: told some days before, yet not of what has only just begun.
  RETURN (SELECT CASE
      WHEN over <= $4 AND over > $4 - 30 * day AND NOT EXISTS (SELECT FROM end_told t
        WHERE t.community_id = $1 AND t.member_id = $2 AND t.product_id = $3
          AND t.topic = 'ended' AND t.ends_at >= ends) THEN 'ended'
      WHEN ends > $4 AND $4 >= greatest(ends - pol.notice_days * day,
                                        ends - (ends - lower(last.span)) / 2)
        AND NOT EXISTS (SELECT FROM end_told t
        WHERE t.community_id = $1 AND t.member_id = $2 AND t.product_id = $3
          AND t.topic = 'ending' AND t.ends_at >= ends) THEN 'ending' END);
END $$;

-- Opens the order of the next period; one of nothing is settled at once. Whoever calls holds the
-- member. Null: it can't be renewed.
CREATE FUNCTION renewal_open(community bigint, m membership, at timestamptz) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
  terms jsonb := renewal_terms($1, m, at);
  made uuid := uuid7();
BEGIN
  IF terms ? 'refusal' THEN RETURN NULL; END IF;
  PERFORM order_open($1, made, uuid7(), m.member_id, NULL, terms, at, NULL,
    last_end($1, m.member_id, m.product_id), ladder_length(policy_of($1)));
  IF (terms ->> 'total_minor')::bigint = 0 THEN PERFORM order_settle($1, made, at); END IF;
  RETURN made;
END $$;

-- The end has moved (a code, a gift, a pause, a refund): the renewal that waits is due then, and
-- its ladder begins anew. Its price stays, so who is paying it this very moment pays the right one.
CREATE FUNCTION renewal_redate(community bigint, m membership) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  o orders := renewal_waiting($1, m.id);
  ends timestamptz := last_end($1, m.member_id, m.product_id);
BEGIN
  IF o.id IS NULL OR ends IS NULL OR ends = o.due_at THEN RETURN; END IF;
  UPDATE orders x SET due_at = ends, announced_at = NULL, reminded = 0, version = x.version + 1,
    expires_at = greatest(now(), ends) + ladder_length(policy_of($1))
  WHERE x.community_id = $1 AND x.id = o.id AND x.status = 'pending';
  UPDATE order_line l SET starts_at = ends,
    ends_at = period_end(ends, n.period_unit, n.period_count, m.anchor_day)
  FROM plan n
  WHERE l.community_id = $1 AND l.order_id = o.id AND n.community_id = $1 AND n.id = l.plan_id;
END $$;

-- Tells of an end, once.
CREATE FUNCTION end_tell(community bigint, member uuid, product uuid, topic text,
                         ends timestamptz, more jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO end_told AS t (community_id, member_id, product_id, topic, ends_at)
  VALUES ($1, $2, $3, $4, ends)
  ON CONFLICT ON CONSTRAINT end_told_pkey DO UPDATE SET ends_at = excluded.ends_at
  WHERE t.ends_at < excluded.ends_at;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  VALUES ($1, uuid7(), 'membership.' || $4, $2,
          jsonb_build_object('product_id', $3, 'ends_at', iso(ends)) || more);
END $$;

-- Ends a membership for good; what is bought later is a new one.
CREATE FUNCTION membership_end(community bigint, m membership, at timestamptz, why text)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM renewal_let_go($1, m.id);
  UPDATE membership x SET ended_at = $3, auto_renew = false, version = x.version + 1
  WHERE x.community_id = $1 AND x.id = m.id;
  INSERT INTO audit_log (community_id, id, via, action, target_kind, target_id, after)
  VALUES ($1, uuid7(), 'job', 'membership.end', 'membership', m.id,
          jsonb_build_object('why', why));
  PERFORM end_tell($1, m.member_id, m.product_id, 'ended',
    coalesce(last_end($1, m.member_id, m.product_id), $3),
    jsonb_build_object('membership_id', m.id, 'why', why));
END $$;

-- A step that life_due() named.
CREATE FUNCTION life_step(community bigint, of_member uuid, of_product uuid, what text)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  m membership;
  o orders;
  steps int[] := (policy_of($1)).dunning_days;
  step int;
BEGIN
  SELECT x.* INTO m FROM membership x WHERE x.community_id = $1 AND x.member_id = $2
    AND x.product_id = $3 AND x.ended_at IS NULL;
  o := renewal_waiting($1, m.id);
  CASE what
    WHEN 'open' THEN PERFORM renewal_open($1, m, now());
    WHEN 'redate' THEN PERFORM renewal_redate($1, m);
    WHEN 'close' THEN PERFORM order_close($1, o.id, 'cancelled');
    WHEN 'replace' THEN PERFORM order_close($1, o.id, 'cancelled');
      IF life_due($1, $2, $3, now(), true) = 'open' THEN PERFORM renewal_open($1, m, now()); END IF;
    WHEN 'announce' THEN
      UPDATE orders x SET announced_at = now() WHERE x.community_id = $1 AND x.id = o.id;
      INSERT INTO outbox (community_id, id, topic, subject_id, payload)
      VALUES ($1, uuid7(), 'renewal.announced', $2, jsonb_build_object('order_id', o.id,
        'membership_id', m.id, 'due_at', iso(o.due_at), 'total_minor', o.total_minor,
        'currency', o.currency));
    WHEN 'remind' THEN  -- after a rest only the last step is told of, not each that was missed
      step := (SELECT count(*) FROM unnest(steps) d
               WHERE o.due_at + d * interval '24 hours' <= now());
      UPDATE orders x SET reminded = step, announced_at = coalesce(x.announced_at, now())
      WHERE x.community_id = $1 AND x.id = o.id;
      INSERT INTO outbox (community_id, id, topic, subject_id, payload)
      VALUES ($1, uuid7(), 'renewal.reminded', $2, jsonb_build_object('order_id', o.id,
        'membership_id', m.id, 'step', step, 'steps', cardinality(steps),
        'due_at', iso(o.due_at), 'expires_at', iso(o.expires_at),
        'total_minor', o.total_minor, 'currency', o.currency));
    WHEN 'end' THEN
      PERFORM membership_end($1, m, now(), CASE WHEN m.auto_renew THEN 'unpaid'
        WHEN m.cancel_at_period_end THEN 'cancelled' ELSE 'ended' END);
    ELSE
      PERFORM end_tell($1, $2, $3, what, last_end($1, $2, $3),
        jsonb_strip_nulls(jsonb_build_object('membership_id', m.id)));
  END CASE;
END $$;

-- Does what is due about one product of a member's. True: there was something.
CREATE FUNCTION life_tend(community bigint, of_member uuid, of_product uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  what text;
BEGIN
  PERFORM hold_renewal($1, m.id) FROM membership m
  WHERE m.community_id = $1 AND m.member_id = $2 AND m.product_id = $3 AND m.ended_at IS NULL;
  IF NOT hold_member($1, $2) THEN RETURN false; END IF;
  FOR turn IN 1 .. 4 LOOP
    what := life_due($1, $2, $3, now());
    IF what IS NULL THEN RETURN turn > 1; END IF;
    PERFORM life_step($1, $2, $3, what);
  END LOOP;
  RETURN true;
END $$;

-- A member's products about which something may be due soon: a coarse look, cheap enough for
-- everybody every few minutes. No index serves only this: redeeming a code would pay for it.
CREATE FUNCTION life_near(community bigint, member uuid, at timestamptz, ahead interval)
RETURNS TABLE (product_id uuid)
LANGUAGE sql STABLE AS $$
  SELECT e.product_id FROM entitlement e
  WHERE e.community_id = $1 AND e.member_id = $2 AND e.voided_at IS NULL
  GROUP BY e.product_id
  HAVING max(upper(e.span)) <= $3 + $4
    AND max(upper(e.span) + make_interval(hours => 24 * e.grace_days)) > $3 - interval '31 days'
  UNION
  SELECT m.product_id FROM membership m
  WHERE m.community_id = $1 AND m.member_id = $2 AND m.ended_at IS NULL AND (EXISTS (
      SELECT FROM orders o WHERE o.community_id = $1 AND o.membership_id = m.id
        AND o.kind = 'renewal' AND o.closed_at IS NULL AND o.settled_at IS NULL)
    OR NOT EXISTS (
      SELECT FROM entitlement e WHERE e.community_id = $1 AND e.member_id = $2
        AND e.product_id = m.product_id AND e.voided_at IS NULL AND upper(e.span) > $3 + $4))
$$;

-- Walks on through a community's members, from `after`: so far, or until enough was done. What one
-- member's row refuses is left for the next walk, and never keeps the others waiting.
CREATE FUNCTION life_walk(community bigint, after uuid, most int) RETURNS boolean
LANGUAGE plpgsql SET timezone = 'UTC' SET lock_timeout = '200ms' AS $$
DECLARE
  start CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  near interval := (policy_of($1)).renewal_days * interval '24 hours';  -- notice is later
  people uuid[];
  upto uuid;
  who uuid;
  what uuid;
  done int := 0;
BEGIN
  INSERT INTO life_walk (community_id) VALUES ($1) ON CONFLICT DO NOTHING;
  PERFORM FROM life_walk w WHERE w.community_id = $1 AND coalesce(w.after_id, start) = $2
  FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN false; END IF;
  people := ARRAY(SELECT m.id FROM member m WHERE m.community_id = $1 AND m.id > $2
                  ORDER BY m.id LIMIT most);
  FOR who, what IN SELECT p, n.product_id FROM unnest(people) p
      CROSS JOIN LATERAL life_near($1, p, now(), near) n ORDER BY p LOOP
    EXIT WHEN done >= 50 AND who <> upto;
    upto := who;
    CONTINUE WHEN life_due($1, who, what, now()) IS NULL;
    BEGIN
      PERFORM life_tend($1, who, what);
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'membership of % in %: %', who, what, SQLERRM;
    END;
    done := done + 1;
  END LOOP;
  UPDATE life_walk w SET walked_at = CASE WHEN $2 = start THEN now() ELSE w.walked_at END,
    after_id = CASE WHEN done >= 50 THEN upto
                    WHEN cardinality(people) = most THEN people[most] END
  WHERE w.community_id = $1;
  RETURN done > 0;
END $$;

-- Another plan from the next period on; the answer is a refusal or null.
CREATE FUNCTION next_plan(community bigint, m membership, wanted uuid, at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  n plan;
BEGIN
  SELECT x.* INTO n FROM plan x WHERE x.community_id = $1 AND x.id = wanted
    AND x.product_id = m.product_id AND x.renews AND x.seats IS NULL AND x.visibility <> 'hidden';
  IF wanted IS NOT NULL AND wanted <> m.plan_id THEN
    IF n.id IS NULL OR sale_refusal(n, m.member_id, at) IS NOT NULL THEN
      RETURN '{"refusal": "body_invalid", "pointer": "/next_plan_id", "fault": "unknown"}';
    ELSIF price_in(n, coalesce(m.currency, n.currency)) IS NULL THEN
      RETURN '{"refusal": "body_invalid", "pointer": "/next_plan_id", "fault": "differs"}';
    END IF;
  END IF;
  UPDATE membership x SET next_plan_id = nullif(wanted, m.plan_id)
  WHERE x.community_id = $1 AND x.id = m.id;
  RETURN NULL;
END $$;

-- Access ends now: what was is kept, what was to come is void.
CREATE FUNCTION cancel_now(community bigint, m membership, at timestamptz, actor uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM span_split($1, m.member_id, e.id, $3) FROM entitlement e
  WHERE e.community_id = $1 AND e.member_id = m.member_id AND e.product_id = m.product_id
    AND e.voided_at IS NULL AND e.span @> $3;
  PERFORM span_void($1, m.member_id, e.id, 'cancelled', actor) FROM entitlement e
  WHERE e.community_id = $1 AND e.member_id = m.member_id AND e.product_id = m.product_id
    AND e.voided_at IS NULL AND lower(e.span) >= $3;
  UPDATE entitlement e SET grace_days = 0
  WHERE e.community_id = $1 AND e.member_id = m.member_id AND e.product_id = m.product_id
    AND e.voided_at IS NULL AND e.grace_days > 0
    AND upper(e.span) + make_interval(hours => 24 * e.grace_days) > $3;
  PERFORM membership_end($1, m, $3, 'cancelled');
END $$;

-- Makes one change; the answer is a refusal or null.
CREATE FUNCTION membership_do(community bigint, m membership, wish text, asked jsonb,
                              at timestamptz, actor uuid) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  forbids CONSTANT jsonb := '{"refusal": "state_forbids"}';
  days int := (policy_of($1)).pause_days;
  resume timestamptz := (asked ->> 'resume_at')::timestamptz;
  renew boolean := (asked ->> 'auto_renew')::boolean;
  rests boolean := coalesce(m.paused_at <= at AND m.resume_at > at, false);
  why jsonb;
BEGIN
  IF m.ended_at IS NOT NULL THEN RETURN forbids; END IF;
  IF wish = 'pause' THEN
    IF rests OR days = 0 THEN RETURN forbids; END IF;
    IF resume <= at THEN
      RETURN '{"refusal": "body_invalid", "pointer": "/resume_at", "fault": "too_early"}';
    ELSIF resume > at + days * interval '24 hours' THEN
      RETURN '{"refusal": "body_invalid", "pointer": "/resume_at", "fault": "too_late"}';
    ELSIF EXISTS (SELECT FROM entitlement e WHERE e.community_id = $1 AND e.source = 'trial'
        AND e.member_id = m.member_id AND e.product_id = m.product_id AND e.voided_at IS NULL
        AND e.span @> at) OR NOT membership_pause($1, m.id, at, resume) THEN
      RETURN forbids;
    END IF;
  ELSIF wish = 'resume' THEN
    IF NOT rests OR NOT membership_resume($1, m.id, at) THEN RETURN forbids; END IF;
  ELSIF wish = 'cancel' AND (asked ->> 'now')::boolean THEN
    PERFORM order_close($1, (renewal_waiting($1, m.id)).id, 'cancelled');
    PERFORM cancel_now($1, m, at, actor);
    RETURN NULL;
  ELSIF wish = 'cancel' THEN
    IF m.cancel_at_period_end THEN RETURN forbids; END IF;
    UPDATE membership x SET auto_renew = false, cancel_at_period_end = true
    WHERE x.community_id = $1 AND x.id = m.id;
  ELSIF wish = 'return' THEN
    IF m.auto_renew THEN RETURN forbids; END IF;
    IF coalesce(last_end($1, m.member_id, m.product_id) <= at, true) THEN
      RETURN '{"refusal": "too_late"}';
    END IF;
    UPDATE membership x SET auto_renew = true, cancel_at_period_end = false
    WHERE x.community_id = $1 AND x.id = m.id;
  ELSE
    IF asked ? 'next_plan_id' THEN
      why := next_plan($1, m, (asked ->> 'next_plan_id')::uuid, at);
      IF why IS NOT NULL THEN RETURN why; END IF;
      PERFORM order_close($1, (renewal_waiting($1, m.id)).id, 'cancelled');
    END IF;
    UPDATE membership x SET auto_renew = coalesce(renew, x.auto_renew),
      cancel_at_period_end = x.cancel_at_period_end AND NOT coalesce(renew, false)
    WHERE x.community_id = $1 AND x.id = m.id;
  END IF;
  -- The renewal that waits goes along, or goes; one that is wanted again is opened.
  SELECT x.* INTO m FROM membership x WHERE x.community_id = $1 AND x.id = m.id;
  IF NOT m.auto_renew OR wish = 'pause' OR asked ? 'next_plan_id' THEN
    PERFORM renewal_let_go($1, m.id);  -- its provider would charge the old price at the old time
  END IF;
  IF NOT m.auto_renew THEN
    PERFORM order_close($1, (renewal_waiting($1, m.id)).id, 'cancelled');
  ELSE
    PERFORM renewal_redate($1, m);
    IF life_due($1, m.member_id, m.product_id, at, true) = 'open' THEN
      PERFORM renewal_open($1, m, at);
    END IF;
  END IF;
  RETURN NULL;
END $$;

-- Changes a membership (`wish`: change, cancel, return, pause, resume), or tells what that would
-- make of it: a preview runs all the same, and is undone, so both tell the same. `before` and
-- `after` are the membership as it is shown.
CREATE FUNCTION membership_change(community bigint, of_member uuid, of_membership uuid, wish text,
                                  asked jsonb, preview boolean, expected int, actor uuid,
                                  role text, audit uuid, request text)
RETURNS TABLE (why jsonb, before jsonb, after jsonb)
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  at timestamptz;
  m membership;
BEGIN
  PERFORM hold_renewal($1, $3);
  PERFORM hold_member($1, $2);
  at := clock_timestamp();  -- what others changed while this one waited lies before it
  SELECT x.* INTO m FROM membership x
  WHERE x.community_id = $1 AND x.id = $3 AND x.member_id = $2 FOR UPDATE;
  IF NOT FOUND THEN
    why := '{"refusal": "not_found"}';
  ELSIF expected > 0 AND m.version <> expected THEN
    why := '{"refusal": "version_changed"}';
  END IF;
  IF why IS NOT NULL THEN RETURN NEXT; RETURN; END IF;
  before := (SELECT to_jsonb(s) FROM membership_shown($1, $3, at) s);
  BEGIN
    why := membership_do($1, m, wish, asked, at, actor);
    IF why IS NULL THEN
      UPDATE membership x SET version = m.version + 1 WHERE x.community_id = $1 AND x.id = $3;
      after := (SELECT to_jsonb(s) FROM membership_shown($1, $3, at) s);
    END IF;
    IF preview THEN
      IF after -> 'renewal' <> 'null' AND after #> '{renewal,order_id}'
           IS DISTINCT FROM before #> '{renewal,order_id}' THEN
        after := jsonb_set(after, '{renewal,order_id}', 'null');  -- it has no number yet
      END IF;
      RAISE EXCEPTION USING ERRCODE = 'LYPRE';
    END IF;
    IF why IS NULL THEN
      INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind,
                             target_id, before, after, reason, request_id)
      SELECT $1, audit, $8, $9, 'membership.' || wish, 'membership', $3, b.j, a.j,
        asked ->> 'reason', request
      FROM (SELECT before - '{product_name,plan_name,next_plan_name}'::text[] AS j) b,
           (SELECT after - '{product_name,plan_name,next_plan_name}'::text[] AS j) a;
      INSERT INTO outbox (community_id, id, topic, subject_id, payload)
      VALUES ($1, audit, 'membership.' || CASE wish WHEN 'change' THEN 'changed'
          WHEN 'cancel' THEN 'cancelled' WHEN 'return' THEN 'returned'
          ELSE wish || 'd' END, $2, jsonb_build_object('membership_id', $3,
          'product_id', m.product_id, 'status', after -> 'status', 'ends_at', after -> 'ends_at',
          'resume_at', after -> 'resume_at'));
    END IF;
  EXCEPTION WHEN SQLSTATE 'LYPRE' THEN NULL;
  END;
  RETURN NEXT;
END $$;
