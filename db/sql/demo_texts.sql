-- The demo's rules, privacy notice, membership with its plans, and a campaign for its codes. What
-- is there stays.
-- out: _product uuid!
WITH texts AS (
  INSERT INTO community_text (community_id, kind, version, body) VALUES
    ($1, 'rules', 1, jsonb_build_object('zh-CN', concat_ws(E'\n',
       '一、友善待人，尊重讲师与同学。', '二、准时到场，凭现场签到码签到。', '三、未经同意不录音录像。',
       '四、名额有限，来不了请提前请假。'),
     'en', concat_ws(E'\n', '1. Be kind to lecturers and to each other.',
       '2. Come on time, and check in with the code shown in the hall.',
       '3. No recording without consent.',
       '4. Seats are few: tell us early when you can''t come.'))),
    ($1, 'privacy', 1, jsonb_build_object('zh-CN', concat_ws(E'\n',
       '我们只保存提供服务所需的信息：您的联系方式、会员期限与出勤记录。', '您可以随时导出或删除。',
       '本社区为演示，数据均为虚构。'),
     'en', concat_ws(E'\n',
       'We keep what the service needs: your contact, your membership and your attendance.',
       'You can export or erase them at any time.',
       'This community is a demonstration; all in it is made up.'))),
    ($1, 'guardian', 1, jsonb_build_object(
     'zh-CN', '未满十四周岁的学员须由监护人阅读并同意本社区的规则与隐私说明。',
     'en', 'For members under 14 a guardian reads and accepts the rules and the privacy notice.'))
  ON CONFLICT DO NOTHING
), products AS (
  INSERT INTO product AS p (community_id, id, slug, kind, name, summary) VALUES
    ($1, uuid7(), 'membership', 'membership', '{"zh-CN": "大讲堂会员", "en": "Membership"}',
     '{"zh-CN": "畅听全部讲座，参加共读与沙龙", "en": "All lectures, reading groups and salons"}')
  ON CONFLICT (community_id, slug) DO NOTHING
  RETURNING p.id
), product AS (
  SELECT id FROM products
  UNION ALL
  SELECT id FROM product WHERE community_id = $1 AND slug = 'membership'
), plans AS (
  INSERT INTO plan (community_id, id, product_id, slug, version, name, benefits, price_minor,
                    currency, period_unit, period_count, trial_days, grace_days, renews)
  SELECT $1, uuid7(), product.id, v.slug, 1, v.name::jsonb, v.benefits::jsonb, v.price, 'CNY',
    v.unit, v.count, v.trial, v.grace, v.renews
  FROM product, (VALUES
    ('monthly', '{"zh-CN": "月度会员", "en": "Monthly"}',
     '{"zh-CN": "畅听全部讲座，前 7 天免费试听", "en": "All lectures, the first 7 days free"}',
     3900, 'month', 1, 7, 3, true),
    ('yearly', '{"zh-CN": "年度会员", "en": "Yearly"}',
     '{"zh-CN": "全年讲座、优先入场、讲义下载", "en": "A year of lectures, early entry, handouts"}',
     36500, 'year', 1, 0, 7, true),
    ('lifetime', '{"zh-CN": "终身会员", "en": "Lifetime"}',
     '{"zh-CN": "永久有效，含每年一次闭门沙龙", "en": "For ever, with a closed salon each year"}',
     299900, 'lifetime', 1, 0, 0, false))
    AS v (slug, name, benefits, price, unit, count, trial, grace, renews)
  ON CONFLICT (community_id, slug, version) DO NOTHING
), campaigns AS (
  INSERT INTO campaign (community_id, id, name, source)
  SELECT $1, uuid7(), '演示邀请 Demo invitations', 'demo'
  WHERE NOT EXISTS (SELECT FROM campaign WHERE community_id = $1 AND source = 'demo')
)
SELECT id FROM product
