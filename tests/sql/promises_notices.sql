-- promise: what can wait is sent when the quiet hours have passed
-- expect: = 2026-03-02T00:00:00.000Z
SELECT iso(after_quiet('2026-03-01T15:30:00Z', 'Asia/Shanghai', 22, 8));
-- promise: by day it is sent at once
-- expect: = 2026-03-01T04:00:00.000Z
SELECT iso(after_quiet('2026-03-01T04:00:00Z', 'Asia/Shanghai', 22, 8));
-- promise: equal hours are none
-- expect: = 2026-03-01T15:30:00.000Z
SELECT iso(after_quiet('2026-03-01T15:30:00Z', 'Asia/Shanghai', 0, 0));
-- promise: an amount is written as people write it
-- expect: = ¥365.05
SELECT money_words(36505, 'CNY', 'zh-CN');
-- promise: a notice says to whom it goes
-- expect: delivery_notice
INSERT INTO delivery (community_id, id, channel, kind, locale, notice, facts, expires_at)
VALUES (:c, :new1, 'mail', 'notice', 'en', 'welcome', '{}', now());
