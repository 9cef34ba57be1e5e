-- Settles the lecture that a job names, once it has ended: who was on the roster and has no mark
-- becomes absent; marks that are there stay. The lecture's status was derived all along, so nothing
-- depends on when this runs. `ahead`: it was moved and has not ended yet.
-- in: job_id uuid!
-- out: absent bigint!, ahead bool!
-- again: safe
WITH named AS MATERIALIZED (
  SELECT (args ->> 'lecture_id')::uuid AS id FROM job WHERE community_id = $1 AND id = $2
), due AS MATERIALIZED (
  UPDATE lecture l SET status = 'ended', closed_at = now()
  FROM named
  WHERE l.community_id = $1 AND l.id = named.id AND l.closed_at IS NULL
    AND l.status IN ('scheduled', 'ended') AND upper(l.during) <= now()
  RETURNING l.id
), made AS (
  INSERT INTO attendance AS a (community_id, lecture_id, member_id, state, via)
  SELECT $1, due.id, r.member_id, 'absent', 'close' FROM due, roster($1, due.id) r
  ON CONFLICT (community_id, lecture_id, member_id) DO NOTHING
  RETURNING a.lecture_id, a.member_id
), kept AS (
  INSERT INTO attendance_history (community_id, lecture_id, member_id, at, id, after_state, via)
  SELECT $1, lecture_id, member_id, now(), uuid7(), 'absent', 'close' FROM made
)
SELECT (SELECT count(*) FROM made), EXISTS (
  SELECT FROM lecture l JOIN named USING (id)
  WHERE l.community_id = $1 AND l.status = 'scheduled' AND upper(l.during) > now())
