-- Who was to come to a lecture and who came, in the order of joining the community. Two members on
-- one device are flagged.
-- in: lecture_id uuid!, after_key timestamptz, after_id uuid, page int!
-- out: member_id uuid!, display_name text!, state text, via text, arrived_at timestamptz,
--   left_at timestamptz, minutes int, excuse text, made_up_by uuid, marked_by uuid,
--   on_roster bool!, device_shared bool!, _id uuid!, _key timestamptz!
-- read
WITH people AS (
  SELECT member_id, bool_or(listed) AS on_roster FROM (
    SELECT member_id, true AS listed FROM roster($1, $2)
    UNION ALL
    SELECT member_id, false FROM attendance WHERE community_id = $1 AND lecture_id = $2
  ) AS either GROUP BY member_id
), shared AS (
  SELECT device_id FROM attendance
  WHERE community_id = $1 AND lecture_id = $2 AND device_id IS NOT NULL
  GROUP BY device_id HAVING count(*) > 1
)
SELECT m.id, m.display_name, a.state, a.via, a.arrived_at, a.left_at, a.minutes, a.excuse,
  a.made_up_by, a.marked_by, p.on_roster, s.device_id IS NOT NULL, m.id, m.joined_at
FROM people p
JOIN member m ON m.community_id = $1 AND m.id = p.member_id
LEFT JOIN attendance a ON a.community_id = $1 AND a.lecture_id = $2 AND a.member_id = m.id
LEFT JOIN shared s ON s.device_id = a.device_id
WHERE $3::timestamptz IS NULL OR (m.joined_at, m.id) > ($3, $4)
ORDER BY m.joined_at, m.id
LIMIT $5
