-- promise: what is left of a span can be put aside though its id was made by a clock that is ahead
-- expect: = 31 days, 21 days ahead
INSERT INTO membership (community_id, id, member_id, product_id, plan_id, auto_renew)
VALUES (:c, :new1, :cat, :product, :plan, true);
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason)
VALUES (:c, :cat, uuid7(now() + interval '1 hour'), :product, :plan,
  '[2026-01-01Z, 2026-02-01Z)', 'comp', :ann, 'x');
SELECT membership_pause(:c, :new1, '2026-01-11Z', '2026-03-01Z');
SELECT justify_hours(sum(upper(span) - lower(span)))::text || ', '
  || (max(upper(span)) - '2026-03-01Z')::text || ' ahead' FROM entitlement WHERE member_id = :cat;
-- promise: what is carried on never leads back to itself
-- expect: carry_later
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason) VALUES
  (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'comp', :ann, 'x'),
  (:c, :cat, :new2, :product, :plan, '[2026-02-01Z, 2026-03-01Z)', 'comp', :ann, 'x');
INSERT INTO carry (community_id, member_id, entitlement_id, from_member_id, from_id)
VALUES (:c, :cat, :new1, :cat, :new2);
-- promise: a day of a span is 24 hours, also in a zone whose clocks change
-- expect: = 00:00:00
SET timezone = 'America/New_York';
INSERT INTO membership (community_id, id, member_id, product_id, plan_id, auto_renew)
VALUES (:c, :new1, :cat, :product, :plan, true);
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason) VALUES
  (:c, :cat, :new2, :product, :plan, '[2026-03-01, 2026-03-31)', 'comp', :ann, 'x'),
  (:c, :cat, :new3, :product, :plan, '[2026-03-31, 2026-04-30)', 'comp', :ann, 'x');
CREATE TEMP TABLE was AS
  SELECT sum(extract(epoch FROM upper(span) - lower(span))) AS s FROM entitlement
  WHERE member_id = :cat;
SELECT membership_pause(:c, :new1, '2026-03-05', '2026-11-20');
SELECT membership_resume(:c, :new1, '2026-03-20');
SELECT make_interval(secs => (SELECT s FROM was)::float8
  - sum(extract(epoch FROM upper(span) - lower(span)))::float8) FROM entitlement
  WHERE member_id = :cat;
-- promise: a month that is too short moves no day for good
-- expect: = 2026-02-28 2026-03-31 2026-04-30 2026-05-31
SELECT string_agg(to_char(e AT TIME ZONE 'UTC', 'YYYY-MM-DD'), ' ' ORDER BY e) FROM (
  WITH RECURSIVE r AS (
    SELECT period_end('2026-01-31Z', 'month', 1, 31) AS e, 1 AS n
    UNION ALL SELECT period_end(e, 'month', 1, 31), n + 1 FROM r WHERE n < 4)
  SELECT e FROM r) AS ends;
-- promise: a pause that is over is still told of, by the gap that it left
-- expect: = active paused active
INSERT INTO membership (community_id, id, member_id, product_id, plan_id, auto_renew)
VALUES (:c, :new1, :cat, :product, :plan, true);
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason)
VALUES (:c, :cat, :new2, :product, :plan, '[2025-01-01Z, 2025-02-01Z)', 'comp', :ann, 'x');
SELECT membership_pause(:c, :new1, '2025-01-11Z', '2025-03-01Z');
SELECT membership_resume(:c, :new1, '2025-02-01Z');
UPDATE membership SET ended_at = now(), auto_renew = false WHERE community_id = :c AND id = :new1;
SELECT string_agg(status, ' ' ORDER BY at)
FROM unnest(ARRAY['2025-01-05Z', '2025-01-20Z', '2025-02-02Z']::timestamptz[]) at,
  membership_status(:c, :cat, :product, at);
-- promise: a lecture that was cancelled is made good once to each member
-- expect: compensation_pkey
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason) VALUES
  (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-01-04Z)', 'compensation', :ann, 'x'),
  (:c, :cat, :new2, :product, :plan, '[2026-01-04Z, 2026-01-07Z)', 'compensation', :ann, 'x');
INSERT INTO compensation (community_id, lecture_id, member_id, entitlement_id) VALUES
  (:c, :talk, :cat, :new1), (:c, :talk, :cat, :new2);
-- promise: the server can't take back that a lecture was made good
-- expect: 42501
SET ROLE lyceum_server;
DELETE FROM compensation WHERE community_id = :c;
-- promise: an end is told of once, and a later one again
-- expect: = 2
SELECT end_tell(:c, :cat, :product, 'ended', '2026-01-01Z', '{}');
SELECT end_tell(:c, :cat, :product, 'ended', '2026-01-01Z', '{}');
SELECT end_tell(:c, :cat, :product, 'ended', '2025-01-01Z', '{}');
SELECT end_tell(:c, :cat, :product, 'ended', '2026-02-01Z', '{}');
SELECT count(*) FROM outbox WHERE topic = 'membership.ended' AND subject_id = :cat;
-- promise: what is due is the same whoever asks at a moment: opened, announced, reminded, ended
-- expect: = - open - announce remind - remind -
INSERT INTO membership (community_id, id, member_id, product_id, plan_id, auto_renew)
VALUES (:c, :new1, :cat, :product, :plan, true);
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason)
VALUES (:c, :cat, :new2, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'comp', :ann, 'x');
CREATE TEMP TABLE said (n serial, what text);
INSERT INTO said (what) SELECT life_due(:c, :cat, :product, '2026-01-17Z');
INSERT INTO said (what) SELECT life_due(:c, :cat, :product, '2026-01-18Z');
INSERT INTO orders (community_id, id, member_id, kind, membership_id, currency, total_minor, due_at,
  expires_at)
VALUES (:c, :new3, :cat, 'renewal', :new1, 'CNY', 1, '2026-02-01Z', '2026-02-16Z');
INSERT INTO said (what) SELECT life_due(:c, :cat, :product, '2026-01-26 23:59Z');
INSERT INTO said (what) SELECT life_due(:c, :cat, :product, '2026-01-27Z');
INSERT INTO said (what) SELECT life_due(:c, :cat, :product, '2026-02-01Z');
UPDATE orders SET reminded = 1, announced_at = now() WHERE id = :new3;
INSERT INTO said (what) SELECT life_due(:c, :cat, :product, '2026-02-03 23:59Z');
INSERT INTO said (what) SELECT life_due(:c, :cat, :product, '2026-02-04Z');
INSERT INTO said (what) SELECT life_due(:c, :cat, :product, '2026-02-16Z');
SELECT string_agg(coalesce(what, '-'), ' ' ORDER BY n) FROM said;
-- promise: a membership whose renewal expired ends when its grace is over, and opens no other
-- expect: = - end
INSERT INTO membership (community_id, id, member_id, product_id, plan_id, auto_renew)
VALUES (:c, :new1, :cat, :product, :plan, true);
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, grace_days,
  source, granted_by, reason)
VALUES (:c, :cat, :new2, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 20, 'comp', :ann, 'x');
INSERT INTO orders (community_id, id, member_id, kind, membership_id, currency, total_minor, due_at,
  expires_at, closed_at, closed_reason)
VALUES (:c, :new3, :cat, 'renewal', :new1, 'CNY', 1, '2026-02-01Z', '2026-02-16Z', now(),
  'expired');
SELECT string_agg(coalesce(life_due(:c, :cat, :product, at), '-'), ' ' ORDER BY at)
FROM unnest(ARRAY['2026-02-20Z', '2026-02-21Z']::timestamptz[]) at;
-- promise: a preview leaves everything as it was
-- expect: = paused 0 1
INSERT INTO membership (community_id, id, member_id, product_id, plan_id, auto_renew)
VALUES (:c, :new1, :cat, :product, :plan, true);
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  granted_by, reason)
VALUES (:c, :cat, :new2, :product, :plan,
  tstzrange(now() - interval '1 day', now() + interval '9 days'), 'comp', :ann, 'x');
CREATE TEMP TABLE told AS SELECT after ->> 'status' AS status FROM membership_change(:c, :cat,
  :new1, 'pause', jsonb_build_object('resume_at', now() + interval '5 days'), true, 0, :cat,
  'member', :new3, NULL);
SELECT (SELECT status FROM told) || ' ' || (SELECT count(*) FROM audit_log WHERE target_id = :new1)
  || ' ' || count(*) FROM entitlement WHERE member_id = :cat;
-- promise: a walk in portions comes to everybody, and then rests
-- expect: = 1 2 3 rests
CREATE TEMP TABLE way (n serial, at text);
SELECT life_walk(:c, '00000000-0000-0000-0000-000000000000', 1);
INSERT INTO way (at) SELECT right(after_id::text, 1) FROM life_walk WHERE community_id = :c;
SELECT life_walk(:c, after_id, 1) FROM life_walk WHERE community_id = :c;
INSERT INTO way (at) SELECT right(after_id::text, 1) FROM life_walk WHERE community_id = :c;
SELECT life_walk(:c, after_id, 1) FROM life_walk WHERE community_id = :c;
INSERT INTO way (at) SELECT right(after_id::text, 1) FROM life_walk WHERE community_id = :c;
SELECT life_walk(:c, after_id, 1) FROM life_walk WHERE community_id = :c;
INSERT INTO way (at) SELECT coalesce(after_id::text, 'rests') FROM life_walk
  WHERE community_id = :c;
SELECT string_agg(at, ' ' ORDER BY n) FROM way;
-- promise: who comes with a walk's old place walks nowhere
-- expect: = f
SELECT life_walk(:c, '00000000-0000-0000-0000-000000000000', 1);
SELECT life_walk(:c, '00000000-0000-0000-0000-000000000000', 1);
