-- May this caller run a lecture: its code, its roster, its marks? An operator any, a lecturer their
-- own. To others a draft does not exist.
-- in: id uuid!, everything bool!, own_as uuid!
-- out: _id uuid!, _refusal text, _status text!, _title json!, _local_start text!,
--   _start_at timestamptz!, _end_at timestamptz!
-- read
SELECT l.id,
  CASE WHEN ($3 OR l.lecturer_member_id = $4) IS NOT TRUE THEN
    CASE WHEN l.published_at IS NULL THEN 'not_found' ELSE 'not_allowed' END END,
  l.status, l.title::json, l.local_start, l.start_at, l.end_at
FROM lecture_shown l
WHERE l.community_id = $1 AND l.id = $2
