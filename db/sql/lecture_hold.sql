-- Locks a lecture, its lecturers and its venues for the rest of the transaction, in an order of
-- kinds: of two who book one lecturer at once, the second sees the first's lecture and can name it.
-- Check-ins are not held up: their foreign key asks for less.
-- in: id uuid!, lecturer_id uuid, venue_id uuid
-- out: _id uuid!, _lecturers bigint!, _venues bigint!
WITH held AS MATERIALIZED (
  SELECT id, lecturer_id, venue_id FROM lecture
  WHERE community_id = $1 AND id = $2 FOR NO KEY UPDATE
), lecturers AS MATERIALIZED (
  SELECT s.id FROM lecturer s
  WHERE s.community_id = $1 AND s.id IN (SELECT lecturer_id FROM held UNION ALL SELECT $3)
  ORDER BY s.id FOR NO KEY UPDATE
), venues AS MATERIALIZED (
  SELECT v.id FROM venue v
  WHERE v.community_id = $1 AND v.exclusive
    AND v.id IN (SELECT venue_id FROM held UNION ALL SELECT $4)
  ORDER BY v.id FOR NO KEY UPDATE
)
SELECT id, (SELECT count(*) FROM lecturers), (SELECT count(*) FROM venues) FROM held
