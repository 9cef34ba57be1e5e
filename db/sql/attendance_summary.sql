-- How many came. Counted when asked: a counter that every check-in touches would cost more.
-- in: lecture_id uuid!
-- out: roster int!, present int!, late int!, left_early int!, absent int!, excused int!,
--   made_up int!, unmarked int!, walk_ins int!, shared_devices int!
-- read
WITH listed AS MATERIALIZED (
  SELECT member_id FROM roster($1, $2)
), marks AS MATERIALIZED (
  SELECT a.member_id, a.state, a.came, a.device_id, l.member_id IS NOT NULL AS on_roster
  FROM attendance a LEFT JOIN listed l USING (member_id)
  WHERE a.community_id = $1 AND a.lecture_id = $2
)
SELECT (SELECT count(*) FROM listed)::int,
  count(*) FILTER (WHERE state = 'present')::int, count(*) FILTER (WHERE state = 'late')::int,
  count(*) FILTER (WHERE state = 'left_early')::int, count(*) FILTER (WHERE state = 'absent')::int,
  count(*) FILTER (WHERE state = 'excused')::int, count(*) FILTER (WHERE state = 'made_up')::int,
  ((SELECT count(*) FROM listed) - count(*) FILTER (WHERE on_roster))::int,
  count(*) FILTER (WHERE came AND NOT on_roster)::int,
  (SELECT count(*) FROM (SELECT FROM marks WHERE device_id IS NOT NULL
                         GROUP BY device_id HAVING count(*) > 1) AS devices)::int
FROM marks
