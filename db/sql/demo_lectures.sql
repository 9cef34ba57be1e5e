-- The demo's schedule around today: talks on Tuesdays, Thursdays and Sundays, a salon on Saturdays,
-- six weeks back and four ahead, and a reading room that is open all day, every day, so that one
-- lecture is always on. Ids are made of the day, so loading again adds only what is missing; the
-- reading room is put back as it was. Settling waits for each end, as for any lecture, and tomorrow
-- this runs again as a job.
-- out: _talks bigint!, _rooms bigint!
WITH today AS (
  SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date AS day
), topic (n, kind, zh, en, zh_about, en_about) AS (VALUES
  (0, 'talk', '一座城的来历', 'Where a city comes from', '从街名读出百年变迁', 'A century read off street names'),
  (1, 'talk', '黑洞不黑', 'Black holes are not black', '霍金辐射与看得见的影子', 
   'Hawking radiation, and a shadow one can see'),
  (2, 'meetup', '茶与二十四节气', 'Tea and the solar terms', '边喝边聊时令养生', 'The seasons over a cup'),
  (3, 'talk', '琴为何物', 'What a guqin is', '七弦之间的文人世界', 'The scholars’ world between seven strings'),
  (4, 'talk', '译诗的得与失', 'Translating poems', '同一首诗的五种译法', 'One poem, five ways'),
  (5, 'talk', '慢生意', 'Slow business', '种树人谈时间与复利', 'A planter of trees on time and interest'),
  (6, 'meetup', '共读《瓦尔登湖》', 'Reading “Walden” together', '本周共读第三章', 'This week the third chapter'),
  (7, 'talk', '老地图里的新路', 'New roads on old maps', '用旧地图走一遍上海', 'Walking Shanghai by its old maps'),
  (8, 'talk', '望远镜四百年', 'Four centuries of telescopes', '从伽利略到韦布', 'From Galileo to Webb'),
  (9, 'talk', '吃好睡好', 'Eat well, sleep well', '秋冬食养与安眠', 'Food and sleep in the cold months'),
  (10, 'meetup', '雅集：琴与茶', 'A gathering with music', '听琴、品茶、清谈', 'Music, tea and talk'),
  (11, 'talk', '诗里的月亮', 'The moon in poems', '从张九龄到洛尔迦', 'From Zhang Jiuling to Lorca')
), hour (dow, slot, at, minutes, audience, place) AS (VALUES
  (2, 0, '19:30'::time, 90, 'members', 'kaiyou hall'),
  (4, 1, '19:30', 90, 'members', 'kaiyou hall'),
  (6, 2, '14:00', 120, 'members', 'kaiyou studio'), (7, 3, '10:00', 90, 'public', 'kaiyou hall')
), days AS (
  SELECT d::date AS day, h.*,
    ((d::date - date '2024-01-01') / 7 * 4 + h.slot) % 12 AS n,
    ((d::date - date '2024-01-01') / 7 * 4 + h.slot) % 6 + 1 AS who
  FROM today, generate_series(today.day - 42, today.day + 28, interval '1 day') AS d
  JOIN hour h ON h.dow = extract(isodow FROM d)
), planned AS (
  SELECT 'kaiyou talk ' || day || ' ' || slot AS key, t.kind,
    jsonb_build_object('zh-CN', t.zh, 'en', t.en) AS title,
    jsonb_build_object('zh-CN', t.zh_about, 'en', t.en_about) AS summary,
    (day + at)::timestamp AS start_wall, d.minutes, s.id AS lecturer_id, d.audience,
    'kaiyou' || substr(d.place, 7) AS place, NULL AS room_url, NULL::uuid AS let_by
  FROM days d JOIN topic t USING (n)
  LEFT JOIN lecturer s ON s.community_id = $1 AND s.position = d.who AND s.archived_at IS NULL
  UNION ALL
  SELECT 'kaiyou room ' || d::date, 'meetup',
    '{"zh-CN": "全天自习室", "en": "Reading room, open all day"}',
    '{"zh-CN": "随时可来，到场即可签到", "en": "Come whenever you like, and check in when you are there"}',
    d::timestamp, 1440, s.id, 'members', 'kaiyou online', 'https://meet.kaiyou.example/room', o.id
  FROM today, generate_series(today.day - 1, today.day + 14, interval '1 day') AS d
  LEFT JOIN lecturer s ON s.community_id = $1 AND s.slug = 'lin-yuan'
  CROSS JOIN (SELECT id FROM member WHERE community_id = $1 AND role = 'owner'
              ORDER BY joined_at LIMIT 1) AS o
), timed AS (
  SELECT p.*, wall_instant(start_wall, 'Asia/Shanghai') AS start_at, v.id AS venue_id, v.exclusive,
    (SELECT id FROM cohort WHERE community_id = $1 AND slug = 'evening-course') AS cohort_id
  FROM planned p
  LEFT JOIN venue v ON v.community_id = $1 AND v.id = ('019000000000' || '7'
    || substr(md5(p.place), 1, 3) || '8' || substr(md5(p.place), 4, 15))::uuid
), numbered AS MATERIALIZED (
  SELECT *, (lpad(to_hex(extract(epoch FROM start_at)::bigint * 1000), 12, '0') || '7'
    || substr(md5(key), 1, 3) || '8' || substr(md5(key), 4, 15))::uuid AS id
  FROM timed
), talks AS (
  INSERT INTO lecture AS l (community_id, id, kind, status, title, summary, start_wall, tz,
    start_at, minutes, lecturer_id, venue_id, venue_exclusive, cohort_id, audience, capacity,
    published_at)
  SELECT $1, id, kind, 'scheduled', title, summary, start_wall, 'Asia/Shanghai', start_at, minutes,
    lecturer_id, venue_id, exclusive, cohort_id, audience, NULL, now()
  FROM numbered WHERE let_by IS NULL
  ON CONFLICT DO NOTHING
  RETURNING l.id, upper(l.during) AS end_at
), rooms AS (
  INSERT INTO lecture AS l (community_id, id, kind, status, title, summary, start_wall, tz,
    start_at, minutes, lecturer_id, venue_id, venue_exclusive, audience, room_url, late_after,
    published_at, override_by, override_reason)
  SELECT $1, id, kind, 'scheduled', title, summary, start_wall, 'Asia/Shanghai', start_at, minutes,
    lecturer_id, venue_id, exclusive, audience, room_url, 1440, now(), let_by,
    '自习室全天开放 (open all day beside the talks)'
  FROM numbered WHERE let_by IS NOT NULL
  ON CONFLICT (community_id, id) DO UPDATE SET status = 'scheduled', cancelled_at = NULL,
    cancel_reason = NULL, start_wall = excluded.start_wall, tz = excluded.tz,
    start_at = excluded.start_at, minutes = excluded.minutes, lecturer_id = excluded.lecturer_id,
    audience = excluded.audience, cohort_id = NULL, late_after = excluded.late_after,
    published_at = excluded.published_at, override_by = excluded.override_by,
    override_reason = excluded.override_reason, version = l.version + 1
  WHERE upper(excluded.during) > now() AND (l.status <> 'scheduled' OR l.during <> excluded.during
    OR l.audience <> excluded.audience OR l.lecturer_id IS DISTINCT FROM excluded.lecturer_id
    OR l.override_by IS NULL)
  RETURNING l.id, upper(l.during) AS end_at
), jobs AS (
  INSERT INTO job (community_id, id, kind, unique_key, args, run_at)
  SELECT $1, uuid7(), 'close_lecture', id::text, jsonb_build_object('lecture_id', id), end_at
  FROM (SELECT * FROM talks UNION ALL SELECT * FROM rooms) AS new WHERE end_at > now()
  UNION ALL
  SELECT $1, uuid7(), 'demo_schedule', (day + 1)::text, '{}',
    wall_instant((day + 1)::timestamp, 'Asia/Shanghai') FROM today
  ON CONFLICT DO NOTHING
)
SELECT (SELECT count(*) FROM talks), (SELECT count(*) FROM rooms)
  FROM (SELECT pg_notify('lyceum', 'public ' || $1)) AS told
