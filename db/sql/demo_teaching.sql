-- The demo's lecturers, venues, and a course with those enrolled in it. What is there stays. Venues
-- have no natural key, so their ids are made of their names.
-- out: _cohort uuid!
WITH people AS (
  INSERT INTO lecturer (community_id, id, slug, name, bio, member_id, position)
  SELECT $1, uuid7(), v.slug, v.name::jsonb, v.bio::jsonb,
    CASE v.slug WHEN 'lin-yuan' THEN (
      SELECT m.id FROM member m
      WHERE m.community_id = $1 AND m.role = 'lecturer' AND NOT EXISTS (
        SELECT FROM lecturer s WHERE s.community_id = $1 AND s.member_id = m.id)
      ORDER BY m.joined_at LIMIT 1) END, v.position
  FROM (VALUES
    ('lin-yuan', 1, '{"zh-CN": "林远", "en": "Lin Yuan"}',
     '{"zh-CN": "城市史研究者，著有《街巷的来历》，走遍一百座老城。",
       "en": "Historian of cities; walked a hundred old towns for “Where Lanes Come From”."}'),
    ('su-wenjing', 2, '{"zh-CN": "苏文静", "en": "Su Wenjing"}',
     '{"zh-CN": "天体物理学家，二十年科普，擅长把黑洞讲给孩子听。",
       "en": "Astrophysicist; twenty years of telling children about black holes."}'),
    ('he-zhiming', 3, '{"zh-CN": "何志明", "en": "He Zhiming"}',
     '{"zh-CN": "中医世家第四代，主讲四季养生与食养。",
       "en": "Fourth of a line of physicians; on the seasons, food and rest."}'),
    ('tang-ruolan', 4, '{"zh-CN": "唐若岚", "en": "Tang Ruolan"}',
     '{"zh-CN": "古琴演奏家，国内外演出三百余场。",
       "en": "Plays the guqin; three hundred concerts at home and abroad."}'),
    ('arthur-penn', 5, '{"zh-CN": "潘亚瑟", "en": "Arthur Penn"}',
     '{"zh-CN": "翻译家，译有诗集十一部，双语授课。",
       "en": "Translator of eleven books of poems; teaches in both languages."}'),
    ('gu-ping', 6, '{"zh-CN": "顾平", "en": "Gu Ping"}',
     '{"zh-CN": "连续创业者，如今种树，也讲商业与时间。",
       "en": "Founded four companies, now plants trees; on business and time."}'))
    AS v (slug, position, name, bio)
  ON CONFLICT DO NOTHING
), places AS (
  INSERT INTO venue (community_id, id, name, address, zone, exclusive, seats)
  SELECT $1, ('019000000000' || '7' || substr(md5(v.key), 1, 3) || '8' || substr(md5(v.key), 4, 15))
             ::uuid, v.name::jsonb, v.address::jsonb, 'Asia/Shanghai', v.exclusive, v.seats
  FROM (VALUES
    ('kaiyou hall', '{"zh-CN": "开友书院·大讲堂", "en": "Kaiyou Academy, Great Hall"}',
     '{"zh-CN": "上海市徐汇区虚构路 88 号 2 楼", "en": "2/F, 88 Imaginary Road, Xuhui, Shanghai"}',
     true, 120),
    ('kaiyou studio', '{"zh-CN": "开友书院·茶室", "en": "Kaiyou Academy, Tea Room"}',
     '{"zh-CN": "上海市徐汇区虚构路 88 号 3 楼", "en": "3/F, 88 Imaginary Road, Xuhui, Shanghai"}',
     true, 24),
    ('kaiyou online', '{"zh-CN": "线上直播间", "en": "Online room"}', NULL, false, NULL))
    AS v (key, name, address, exclusive, seats)
  ON CONFLICT DO NOTHING
), cohorts AS (
  INSERT INTO cohort AS c (community_id, id, slug, name)
  VALUES ($1, uuid7(), 'evening-course', '{"zh-CN": "晚间课程", "en": "The evening course"}')
  ON CONFLICT (community_id, slug) DO UPDATE SET slug = c.slug
  RETURNING c.id
), enrolled AS (
  INSERT INTO enrolment (community_id, cohort_id, member_id, enrolled_at)
  SELECT $1, cohorts.id, m.id, m.joined_at
  FROM cohorts, member m
  WHERE m.community_id = $1 AND m.role = 'member'
    AND m.joined_at < now() - interval '40 days'
  ON CONFLICT DO NOTHING
)
SELECT id FROM cohorts
