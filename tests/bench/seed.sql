-- A community of :members members with :lectures lectures that are on now, for the bench. Ids come
-- from uuid7(): ids made by counting would make the exclusion constraint's index degenerate.
INSERT INTO community (id, slug, kind, name)
VALUES (1000, 'bench', 'training', '{"en": "Bench", "zh-CN": "基准"}');
INSERT INTO account (id) SELECT uuid7() FROM generate_series(1, :members);
INSERT INTO member (community_id, id, account_id, display_name, joined_at)
SELECT 1000, uuid7(), id, 'Member', now() - interval '1 day' FROM account;
INSERT INTO product (community_id, id, slug, kind, name)
VALUES (1000, uuid7(), 'membership', 'membership', '{"en": "Membership", "zh-CN": "会员"}');
INSERT INTO plan (community_id, id, product_id, slug, version, name, price_minor, currency,
                  period_unit, period_count)
SELECT 1000, uuid7(), id, 'year', 1, '{"en": "A year", "zh-CN": "年度"}', 36500, 'CNY', 'year', 1
FROM product WHERE community_id = 1000;
-- All are members in good standing already, so that check-in lets them in.
INSERT INTO entitlement
  (community_id, member_id, id, product_id, plan_id, span, source, granted_by, reason)
SELECT 1000, m.id, uuid7(), p.product_id, p.id,
       tstzrange(now() - interval '1 day', now() + interval '30 days'), 'comp', m.id, 'bench'
FROM member m, plan p WHERE m.community_id = 1000 AND p.community_id = 1000;
INSERT INTO lecturer (community_id, id, slug, name)
SELECT 1000, uuid7(), 'lecturer-' || n, jsonb_build_object('en', 'Lecturer ' || n)
FROM generate_series(1, :lectures) n;
INSERT INTO lecture (community_id, id, kind, status, title, summary, start_wall, tz, minutes,
                     start_at, lecturer_id, published_at, opens_before, late_after)
SELECT 1000, uuid7(), 'talk', 'scheduled',
       jsonb_build_object('en', 'Lecture ' || slug, 'zh-CN', '讲座 ' || slug),
       '{"en": "What keeps a community from dying?", "zh-CN": "社群如何不死？"}',
       date_trunc('minute', now() AT TIME ZONE 'UTC'), 'UTC', 600,
       date_trunc('minute', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', id, now(), 30, 600
FROM lecturer WHERE community_id = 1000;
-- Codes, as made by the server's own code: text and digest.
INSERT INTO invite_code
  (community_id, id, digest, hint, effect, product_id, plan_id, days, max_uses)
SELECT 1000, uuid7(), decode(c.digest, 'hex'), left(c.code, 4), 'days', p.product_id, p.id, 1,
       CASE WHEN c.n <= :hot THEN 100000000 ELSE 1 END
FROM bench_code c, plan p WHERE p.community_id = 1000;
CREATE TABLE bench_member AS
SELECT row_number() OVER (ORDER BY id) - 1 AS n, id, account_id
FROM member WHERE community_id = 1000;
ALTER TABLE bench_member ADD PRIMARY KEY (n);
-- Sessions are asked of the database while notifications can't be relied on.
INSERT INTO session (community_id, id, account_id, member_id, refresh_digest, expires_at)
SELECT 1000, uuid7(), account_id, id, decode(md5(id::text) || md5(n::text), 'hex'),
       now() + interval '1 day'
FROM bench_member;
CREATE TABLE bench_lecture AS
SELECT row_number() OVER (ORDER BY id) - 1 AS n, id FROM lecture WHERE community_id = 1000;
ALTER TABLE bench_lecture ADD PRIMARY KEY (n);
-- The first one shows the check-in codes.
UPDATE member m SET role = 'operator' FROM bench_member b
WHERE b.n = 0 AND m.community_id = 1000 AND m.id = b.id;
VACUUM ANALYZE;
