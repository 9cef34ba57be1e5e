-- Moving spans of time: what pauses, upgrades, refunds, disputes and seats are made of. One member
-- and one product at a time; whoever calls holds the member's row (hold_member), so two changes of
-- one member's time follow each other. entitlement_no_overlap watches over all of it.
-- What adds a length to a moment does so in UTC, whatever zone the database has: a day of a span is
-- 24 hours, also when clocks change.

-- Everything that moves a member's spans takes this first. The member's row is changed by nobody
-- else for long, and a redemption's foreign key shares it.
CREATE FUNCTION hold_member(community bigint, member uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM member m WHERE m.community_id = $1 AND m.id = $2 FOR NO KEY UPDATE;
  RETURN FOUND;
END $$;

CREATE FUNCTION last_day(wall timestamp) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN extract(day FROM date_trunc('month', wall) + interval '1 month - 1 day');

-- The end of a period by the calendar, in UTC. A month that is too short ends on its last day;
-- with the anchor, the day on which periods began, the one after it ends on that day again.
CREATE FUNCTION period_end(starts_at timestamptz, unit text, count int, anchor int DEFAULT NULL)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN unit IS NULL OR unit = 'lifetime' THEN '2299-12-31Z'::timestamptz
    WHEN unit IN ('month', 'year') AND anchored THEN
      (date_trunc('month', plain) + make_interval(days => least(anchor, last_day(plain)) - 1)
       + (wall - date_trunc('day', wall))) AT TIME ZONE 'UTC'
    ELSE plain AT TIME ZONE 'UTC' END
  FROM (SELECT starts_at AT TIME ZONE 'UTC' AS wall) AS w
  CROSS JOIN LATERAL (SELECT
    wall + make_interval(
      days => CASE unit WHEN 'day' THEN count ELSE 0 END,
      weeks => CASE unit WHEN 'week' THEN count ELSE 0 END,
      months => CASE unit WHEN 'month' THEN count ELSE 0 END,
      years => CASE unit WHEN 'year' THEN count ELSE 0 END) AS plain,
    anchor IS NOT NULL AND extract(day FROM wall) = least(anchor, last_day(wall)) AS anchored) AS e
$$;

-- The last span's end, or null.
CREATE FUNCTION last_end(community bigint, member uuid, product uuid) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
  SELECT upper(e.span) FROM entitlement e
  WHERE e.community_id = $1 AND e.member_id = $2 AND e.product_id = $3 AND e.voided_at IS NULL
  ORDER BY upper(e.span) DESC LIMIT 1
$$;

-- Takes a span out of force.
CREATE FUNCTION span_void(community bigint, member uuid, span_id uuid, reason text, actor uuid)
RETURNS void
LANGUAGE sql AS $$
  UPDATE entitlement e SET voided_at = now(), void_reason = $4, voided_by = $5
  WHERE e.community_id = $1 AND e.member_id = $2 AND e.id = $3 AND e.voided_at IS NULL
$$;

-- An id later than another, also of one that was made in this very millisecond, or by a clock that
-- is ahead: what is carried on stands behind what it comes from (carry_later).
CREATE FUNCTION uuid7_after(earlier uuid) RETURNS uuid
LANGUAGE sql VOLATILE AS $$
  SELECT uuid7(greatest(clock_timestamp(), 'epoch'::timestamptz + interval '1 ms'
    * (2 + ('x' || translate(left(earlier::text, 13), '-', ''))::bit(48)::bigint)))
$$;

-- Cuts a span in two at a moment within it: what was keeps its row, the rest is carried in a new
-- one. Answers the rest's id; null when the moment is not within. Grace goes with the rest.
CREATE FUNCTION span_split(community bigint, member uuid, span_id uuid, at timestamptz)
RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
  old entitlement;
  rest uuid := uuid7_after(span_id);
BEGIN
  SELECT e.* INTO old FROM entitlement e
  WHERE e.community_id = $1 AND e.member_id = $2 AND e.id = $3 AND e.voided_at IS NULL
    AND lower(e.span) < $4 AND upper(e.span) > $4;
  IF NOT FOUND THEN RETURN NULL; END IF;
  UPDATE entitlement e SET span = tstzrange(lower(old.span), $4), grace_days = 0
  WHERE e.community_id = $1 AND e.member_id = $2 AND e.id = $3;
  INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, grace_days,
                           source)
  VALUES ($1, $2, rest, old.product_id, old.plan_id, tstzrange($4, upper(old.span)),
          old.grace_days, 'carried');
  INSERT INTO carry (community_id, member_id, entitlement_id, from_member_id, from_id)
  VALUES ($1, $2, rest, $2, $3);
  RETURN rest;
END $$;

-- Moves every live span that begins at or after a moment, in the order in which none meets another.
CREATE FUNCTION spans_shift(community bigint, member uuid, product uuid, from_at timestamptz,
                            by_much interval) RETURNS void
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  one record;
  later boolean := by_much > interval '0';
BEGIN
  FOR one IN
    SELECT e.id, e.span FROM entitlement e
    WHERE e.community_id = $1 AND e.member_id = $2 AND e.product_id = $3
      AND e.voided_at IS NULL AND lower(e.span) >= $4
    ORDER BY CASE WHEN later THEN lower(e.span) END DESC, lower(e.span)
  LOOP
    UPDATE entitlement e
    SET span = tstzrange(lower(one.span) + by_much, upper(one.span) + by_much)
    WHERE e.community_id = $1 AND e.member_id = $2 AND e.id = one.id;
  END LOOP;
END $$;

-- Closes gaps: what is to come follows what is in force without a break, from `at` on. Nothing is
-- moved later, and nothing out of a pause.
CREATE FUNCTION spans_pull(community bigint, member uuid, product uuid, at timestamptz)
RETURNS void
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  one record;
  place timestamptz;
BEGIN
  SELECT greatest($4, max(m.resume_at)) INTO place FROM membership m
  WHERE m.community_id = $1 AND m.member_id = $2 AND m.product_id = $3 AND m.ended_at IS NULL
    AND m.paused_at IS NOT NULL;
  SELECT greatest(coalesce(place, $4), max(upper(e.span))) INTO place FROM entitlement e
  WHERE e.community_id = $1 AND e.member_id = $2 AND e.product_id = $3 AND e.voided_at IS NULL
    AND lower(e.span) < coalesce(place, $4) AND upper(e.span) > coalesce(place, $4);
  FOR one IN
    SELECT e.id, e.span, upper(e.span) - lower(e.span) AS length FROM entitlement e
    WHERE e.community_id = $1 AND e.member_id = $2 AND e.product_id = $3 AND e.voided_at IS NULL
      AND lower(e.span) >= place ORDER BY lower(e.span)
  LOOP
    IF lower(one.span) > place THEN
      UPDATE entitlement e SET span = tstzrange(place, place + one.length)
      WHERE e.community_id = $1 AND e.member_id = $2 AND e.id = one.id;
      place := place + one.length;
    ELSE
      place := upper(one.span);
    END IF;
  END LOOP;
END $$;

-- All spans that come of an order's line, also what was carried on, whoever has it.
CREATE FUNCTION spans_of_line(community bigint, line uuid)
RETURNS TABLE (member_id uuid, id uuid)
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE tree AS (
    SELECT e.member_id, e.id FROM entitlement e
    WHERE e.community_id = $1 AND e.order_line_id = $2
    UNION
    SELECT k.member_id, k.entitlement_id FROM tree t
    JOIN carry k ON k.community_id = $1 AND k.from_member_id = t.member_id AND k.from_id = t.id
  )
  SELECT * FROM tree
$$;

-- Takes back what a line bought, as far as it lies ahead of `at`: all of it, or (`share` below 1)
-- that share of what was bought, from its end. What lies behind stays as it was.
CREATE FUNCTION line_revoke(community bigint, line uuid, at timestamptz, share numeric,
                            reason text, actor uuid) RETURNS void
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  one record;
  away interval;
  ends timestamptz;
  rest uuid;
BEGIN
  SELECT make_interval(secs => floor(extract(epoch FROM l.ends_at - l.starts_at) * share)::float8)
  INTO away FROM order_line l WHERE l.community_id = $1 AND l.id = $2;
  FOR one IN
    SELECT e.* FROM spans_of_line($1, $2) s
    JOIN entitlement e ON e.community_id = $1 AND e.member_id = s.member_id AND e.id = s.id
    WHERE e.voided_at IS NULL AND upper(e.span) > $3
    ORDER BY upper(e.span) DESC, e.member_id
  LOOP
    EXIT WHEN share < 1 AND away <= interval '0';
    ends := greatest($3, lower(one.span));
    IF share < 1 THEN
      ends := greatest(ends, upper(one.span) - away);
      away := away - (upper(one.span) - ends);
    END IF;
    IF ends > lower(one.span) THEN
      rest := span_split($1, one.member_id, one.id, ends);
    ELSE
      rest := one.id;
    END IF;
    PERFORM span_void($1, one.member_id, rest, reason, actor);
    PERFORM spans_pull($1, one.member_id, one.product_id, $3);
  END LOOP;
END $$;

-- A pause moves all that is left behind the day on which it ends; coming back earlier moves it
-- forward again. So no job has to wake anybody, and no second is lost.
CREATE FUNCTION membership_pause(community bigint, membership uuid, at timestamptz,
                                 resume timestamptz) RETURNS boolean
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  m membership;
  now_in uuid;
BEGIN
  SELECT s.* INTO m FROM membership s WHERE s.community_id = $1 AND s.id = $2 FOR UPDATE;
  SELECT e.id INTO now_in FROM entitlement e
  WHERE e.community_id = $1 AND e.member_id = m.member_id AND e.product_id = m.product_id
    AND e.voided_at IS NULL AND e.span @> $3;
  IF now_in IS NULL THEN RETURN false; END IF;
  PERFORM span_split($1, m.member_id, now_in, $3);
  PERFORM spans_shift($1, m.member_id, m.product_id, $3, resume - $3);
  UPDATE membership s SET paused_at = $3, resume_at = resume, version = s.version + 1
  WHERE s.community_id = $1 AND s.id = $2;
  RETURN true;
END $$;

CREATE FUNCTION membership_resume(community bigint, membership uuid, at timestamptz)
RETURNS boolean
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  m membership;
BEGIN
  SELECT s.* INTO m FROM membership s WHERE s.community_id = $1 AND s.id = $2 FOR UPDATE;
  IF m.paused_at IS NULL OR m.resume_at <= $3 THEN RETURN false; END IF;
  UPDATE membership s SET paused_at = NULL, resume_at = NULL, version = s.version + 1
  WHERE s.community_id = $1 AND s.id = $2;
  PERFORM spans_shift($1, m.member_id, m.product_id, m.resume_at, $3 - m.resume_at);
  RETURN true;
END $$;
