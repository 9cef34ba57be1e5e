-- Notices: what happened is told to whom it concerns, once.

-- Transactions commit in another order than they began, so neither `at` nor `id` says what a reader
-- has seen. Their ids do: below the oldest that is still open nothing can appear any more. The key
-- is the one index, as before: a row costs what it did.
ALTER TABLE outbox
  ADD xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  DROP CONSTRAINT outbox_pkey,
  ADD CONSTRAINT outbox_pkey PRIMARY KEY (community_id, xid, id);
ALTER TABLE outbox_cursor
  ADD xid xid8 NOT NULL DEFAULT '0';
-- What lies there already happened before there were notices: nobody is told of it now.
INSERT INTO outbox_cursor (community_id, consumer, at, id, xid)
SELECT DISTINCT community_id, 'notices', now(), 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid,
  pg_current_xact_id()
FROM outbox;

-- A notice says what it tells of; to whom it goes is looked up when it is sent, for contacts belong
-- to accounts, and what was erased meanwhile gets nothing.
ALTER TABLE delivery
  DROP CONSTRAINT delivery_channel,
  ADD CONSTRAINT delivery_channel CHECK (channel IN ('mail', 'sms', 'any')),
  DROP CONSTRAINT delivery_kind,
  ADD CONSTRAINT delivery_kind CHECK (kind IN ('code', 'password_changed', 'notice')),
  ALTER sealed DROP NOT NULL,
  ADD notice text,
  ADD member_id uuid,
  ADD facts jsonb,
  ADD CONSTRAINT delivery_notice CHECK (CASE kind
    WHEN 'notice' THEN num_nulls(notice, member_id, facts) = 0 AND sealed IS NULL
    ELSE sealed IS NOT NULL AND num_nulls(notice, member_id, facts) = 3 AND channel <> 'any' END),
  ADD CONSTRAINT delivery_member FOREIGN KEY (community_id, member_id)
    REFERENCES member (community_id, id);

-- When something that can wait may be sent: now, or when the quiet hours have passed.
CREATE FUNCTION after_quiet(at timestamptz, zone text, quiet_from int, quiet_until int)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN quiet_from < quiet_until AND hour >= quiet_from AND hour < quiet_until
      OR quiet_from > quiet_until AND hour < quiet_until
      THEN (day + make_interval(hours => quiet_until)) AT TIME ZONE zone
    WHEN quiet_from > quiet_until AND hour >= quiet_from
      THEN (day + make_interval(days => 1, hours => quiet_until)) AT TIME ZONE zone
    ELSE at END
  FROM (SELECT extract(hour FROM at AT TIME ZONE zone) AS hour,
          date_trunc('day', at AT TIME ZONE zone) AS day) AS here
$$;

-- An amount as people write it: CNY 365.00, in Chinese ¥365.00.
CREATE FUNCTION money_words(minor bigint, currency text, locale text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN locale = 'zh-CN' AND currency = 'CNY' THEN '¥' ELSE currency || ' ' END
    || CASE WHEN currency IN ('JPY', 'KRW', 'VND', 'CLP', 'ISK') THEN minor::text
         ELSE minor / 100 || '.' || lpad((minor % 100)::text, 2, '0') END
$$;

CREATE FUNCTION day_words(at timestamptz, zone text, locale text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT to_char(at AT TIME ZONE zone,
    CASE locale WHEN 'zh-CN' THEN 'YYYY"年"FMMM"月"FMDD"日"' ELSE 'FMDD Mon YYYY' END)
$$;

-- Which topics become notices. `waits`: it may be sent after the quiet hours; `texts`: it matters
-- enough for an SMS to who has no e-mail.
CREATE TABLE notice_topic (
  topic text CONSTRAINT notice_topic_pkey PRIMARY KEY,
  notice text NOT NULL,
  waits boolean NOT NULL,
  texts boolean NOT NULL
);
INSERT INTO notice_topic VALUES
  ('member.joined', 'welcome', false, false), ('order.paid', 'receipt', false, true),
  ('payment.refunded', 'refunded', false, true), ('payment.surplus', 'surplus', false, true),
  ('payment.disputed', 'disputed', true, true), ('renewal.announced', 'renewal', true, true),
  ('renewal.reminded', 'failed', true, true), ('membership.ending', 'ending', true, true),
  ('membership.ended', 'ended', true, true), ('refund.failed', 'refund_failed', true, true),
  ('gift.claimed', 'gift_claimed', true, false);
GRANT SELECT ON notice_topic TO lyceum_server;

-- How a member wants to be told of what need not be told: receipts, refunds and disputes have no
-- row here. Without a row: by mail, else by SMS when it matters.
CREATE TABLE notice_preference (
  community_id bigint NOT NULL,
  member_id uuid NOT NULL,
  notice text NOT NULL CONSTRAINT notice_preference_notice
    CHECK (notice IN ('welcome', 'renewal', 'failed', 'ending', 'ended', 'gift_claimed')),
  way text NOT NULL CONSTRAINT notice_preference_way CHECK (way IN ('any', 'mail', 'sms', 'off')),
  CONSTRAINT notice_preference_pkey PRIMARY KEY (community_id, member_id, notice),
  CONSTRAINT notice_preference_member FOREIGN KEY (community_id, member_id)
    REFERENCES member (community_id, id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON notice_preference TO lyceum_server;

-- What a notice says of its order, refund or membership, in the member's language.
CREATE FUNCTION notice_facts(community bigint, topic text, payload jsonb, zone text, locale text)
RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'plan', coalesce(n.name ->> locale, n.name ->> 'en', n.name ->> 'zh-CN', s.name ->> locale,
      s.name ->> 'en', s.name ->> 'zh-CN', CASE locale WHEN 'zh-CN' THEN '订单' ELSE 'order' END),
    'amount', money_words(
      coalesce(f.amount_minor, q.amount_minor, p.amount_minor, o.total_minor, 0),
      coalesce(o.currency, 'CNY'), locale),
    'date', coalesce(day_words(coalesce((payload ->> 'ends_at')::timestamptz,
      (payload ->> 'due_at')::timestamptz), zone, locale), ''))
  FROM (SELECT) AS one
  LEFT JOIN orders o ON o.community_id = community AND o.id = (payload ->> 'order_id')::uuid
  LEFT JOIN LATERAL (SELECT l.plan_id FROM order_line l
    WHERE l.community_id = o.community_id AND l.order_id = o.id LIMIT 1) AS l ON true
  LEFT JOIN plan n ON n.community_id = community AND n.id = l.plan_id
  LEFT JOIN product s ON s.community_id = community AND s.id = (payload ->> 'product_id')::uuid
  LEFT JOIN refund f ON f.community_id = community AND f.id = (payload ->> 'refund_id')::uuid
  LEFT JOIN refund_request q ON q.community_id = community
    AND q.id = (payload ->> 'request_id')::uuid
  LEFT JOIN payment p ON p.community_id = community AND p.id = (payload ->> 'payment_id')::uuid
$$;

-- What a reader of the outbox has not seen: of transactions below the oldest that is open.
CREATE FUNCTION outbox_fresh(community bigint, seen outbox_cursor, most int) RETURNS SETOF outbox
LANGUAGE sql STABLE AS $$
  SELECT o.* FROM outbox o
  WHERE o.community_id = $1 AND (o.xid, o.id) > (($2).xid, ($2).id)
    AND o.xid < pg_snapshot_xmin(pg_current_snapshot())
  ORDER BY o.xid, o.id LIMIT $3
$$;

-- Makes the notices of what is new, and moves the cursor past it in the same transaction. Whoever
-- is second waits for the cursor's row, and then reads on from where the first came to.
CREATE FUNCTION notices_make(community bigint, most int) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  seen outbox_cursor;
  made bigint;
  zone text := (SELECT c.zone FROM community c WHERE c.id = $1);
  policy selling_policy := policy_of($1);
BEGIN
  INSERT INTO outbox_cursor (community_id, consumer, at, id)
  VALUES ($1, 'notices', '-infinity', '00000000-0000-0000-0000-000000000000')
  ON CONFLICT DO NOTHING;
  SELECT * INTO seen FROM outbox_cursor c
  WHERE c.community_id = $1 AND c.consumer = 'notices' FOR UPDATE;
  WITH fresh AS MATERIALIZED (
    SELECT o.* FROM outbox_fresh($1, seen, most) o
  ), posted AS (
    INSERT INTO delivery (community_id, id, channel, kind, locale, notice, member_id, facts, due_at,
                          expires_at)
    SELECT $1, uuid7(),
      coalesce(nullif(w.way, 'any'), CASE WHEN t.texts THEN 'any' ELSE 'mail' END),
      'notice', m.locale, t.notice, m.id,
      notice_facts($1, o.topic, o.payload, zone, m.locale),
      CASE WHEN t.waits THEN after_quiet(now(), zone, policy.quiet_from, policy.quiet_until)
           ELSE now() END, now() + interval '3 days'
    FROM fresh o
    JOIN notice_topic t ON t.topic = o.topic
    JOIN member m ON m.community_id = $1 AND m.id = o.subject_id AND m.left_at IS NULL
    LEFT JOIN notice_preference w ON w.community_id = $1 AND w.member_id = m.id
      AND w.notice = t.notice
    WHERE w.way IS DISTINCT FROM 'off'
    RETURNING 1
  ), moved AS (
    UPDATE outbox_cursor c SET xid = f.xid, at = f.at, id = f.id
    FROM (SELECT * FROM fresh ORDER BY xid DESC, id DESC LIMIT 1) AS f
    WHERE c.community_id = $1 AND c.consumer = 'notices'
  )
  SELECT count(*) INTO made FROM posted;
  IF made > 0 THEN PERFORM pg_notify('lyceum', 'delivery'); END IF;
  RETURN made > 0;
END $$;
