-- Finds or makes the demo community 开友大讲堂. A community of that name that is no demo is left alone:
-- then `demo` is false.
-- out: id bigint!, demo bool!
-- global
WITH made AS (
  INSERT INTO community (slug, kind, name, about, zone, locale, currency, demo)
  VALUES ('kaiyou', 'training', '{"zh-CN": "开友大讲堂", "en": "Kaiyou Lectures"}',
    '{"zh-CN": "每周线下讲座与线上共读，会员畅听。（演示社区）",
      "en": "Weekly lectures and reading together, all for members. (A demonstration.)"}',
    'Asia/Shanghai', 'zh-CN', 'CNY', true)
  ON CONFLICT (slug) DO NOTHING
  RETURNING id, demo
)
SELECT id, demo FROM made
UNION ALL
SELECT id, demo FROM community WHERE slug = 'kaiyou' AND NOT EXISTS (SELECT FROM made)
