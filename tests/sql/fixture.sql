-- Two communities, their people, a plan, a code, a lecture: what the tries need to stand on.
\set c 900000001
\set other 900000002
\set ann '''00000000-0000-7000-8000-000000000001'''
\set bob '''00000000-0000-7000-8000-000000000002'''
\set cat '''00000000-0000-7000-8000-000000000003'''
\set eve '''00000000-0000-7000-8000-00000000000e'''
\set product '''00000000-0000-7000-8000-000000000011'''
\set camp '''00000000-0000-7000-8000-000000000012'''
\set plan '''00000000-0000-7000-8000-000000000021'''
\set campplan '''00000000-0000-7000-8000-000000000022'''
\set code '''00000000-0000-7000-8000-000000000031'''
\set code2 '''00000000-0000-7000-8000-000000000032'''
\set campaign '''00000000-0000-7000-8000-000000000041'''
\set order '''00000000-0000-7000-8000-000000000051'''
\set line '''00000000-0000-7000-8000-000000000052'''
\set payment '''00000000-0000-7000-8000-000000000053'''
\set chen '''00000000-0000-7000-8000-000000000061'''
\set hall '''00000000-0000-7000-8000-000000000071'''
\set room '''00000000-0000-7000-8000-000000000072'''
\set talk '''00000000-0000-7000-8000-000000000081'''
\set talk2 '''00000000-0000-7000-8000-000000000082'''
\set talk3 '''00000000-0000-7000-8000-000000000083'''
\set new1 '''01900000-0000-7000-8000-000000000001'''
\set new2 '''01900000-0000-7000-8000-000000000002'''
\set new3 '''01900000-0000-7000-8000-000000000003'''
\set n '''{"en": "x"}'''
INSERT INTO community (id, slug, kind, name) VALUES
  (:c, 'promises-a', 'training', :n), (:other, 'promises-b', 'training', :n);
INSERT INTO community_text (community_id, kind, version, body) VALUES
  (:c, 'rules', 1, :n), (:c, 'guardian', 1, :n);
INSERT INTO account (id) VALUES (:ann), (:bob), (:cat), (:eve);
INSERT INTO member (community_id, id, account_id, role, display_name) VALUES
  (:c, :ann, :ann, 'owner', 'Ann'), (:c, :bob, :bob, 'owner', 'Bob'),
  (:c, :cat, :cat, 'member', 'Cat'), (:other, :eve, :eve, 'owner', 'Eve');
INSERT INTO community_keeper (community_id, member_id) VALUES (:c, :ann), (:other, :eve);
INSERT INTO product (community_id, id, slug, kind, name) VALUES
  (:c, :product, 'm', 'membership', :n), (:c, :camp, 'camp', 'camp', :n);
INSERT INTO plan (community_id, id, product_id, slug, version, name, price_minor, currency,
                  period_unit, period_count, grace_days, renews) VALUES
  (:c, :plan, :product, 'year', 1, :n, 99900, 'CNY', 'year', 1, 7, true),
  (:c, :campplan, :camp, 'camp', 1, :n, 100, 'CNY', NULL, NULL, 0, false);
INSERT INTO campaign (community_id, id, name) VALUES (:c, :campaign, 'Spring');
INSERT INTO invite_code (community_id, id, digest, hint, effect, product_id, plan_id, days,
  max_uses)
VALUES
  (:c, :code, sha256('1'), 'K-1', 'days', :product, :plan, 30, 2),
  (:c, :code2, sha256('2'), 'K-2', 'days', :product, :plan, 30, 2);
INSERT INTO orders (community_id, id, member_id, kind, currency, total_minor)
VALUES (:c, :order, :cat, 'purchase', 'CNY', 1000);
INSERT INTO order_line (community_id, id, order_id, product_id, plan_id, unit_minor)
VALUES (:c, :line, :order, :product, :plan, 1000);
INSERT INTO payment (community_id, id, order_id, provider, provider_ref, amount_minor, currency,
  paid_at)
VALUES (:c, :payment, :order, 'stripe', 'pi_1', 1000, 'CNY', now());
INSERT INTO lecturer (community_id, id, slug, name) VALUES (:c, :chen, 'chen', :n);
INSERT INTO venue (community_id, id, name, zone, exclusive) VALUES
  (:c, :hall, :n, 'Asia/Shanghai', true), (:c, :room, :n, 'Asia/Shanghai', false);
INSERT INTO lecture (community_id, id, status, title, start_wall, tz, start_at, minutes,
                     lecturer_id, venue_id, venue_exclusive, published_at) VALUES
  (:c, :talk, 'scheduled', :n, '2026-06-01 19:00', 'Asia/Shanghai', '2026-06-01 11:00Z', 90,
   :chen, :hall, true, now()),
  (:c, :talk2, 'scheduled', :n, '2026-06-02 19:00', 'Asia/Shanghai', '2026-06-02 11:00Z', 90,
   :chen, :hall, true, now()),
  (:c, :talk3, 'draft', :n, '2026-06-01 20:00', 'Asia/Shanghai', '2026-06-01 12:00Z', 90,
   NULL, NULL, NULL, NULL);
