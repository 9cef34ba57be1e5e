-- promise: one mark of a member in a lecture
-- expect: attendance_pkey
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, arrived_at) VALUES
  (:c, :talk, :cat, 'present', 'code', now()), (:c, :talk, :cat, 'late', 'code', now());
-- promise: who is present arrived
-- expect: attendance_arrival
INSERT INTO attendance (community_id, lecture_id, member_id, state, via)
  VALUES (:c, :talk, :cat, 'present', 'code');
-- promise: who arrived is not absent
-- expect: attendance_arrival
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, arrived_at)
  VALUES (:c, :talk, :cat, 'absent', 'close', now());
-- promise: who left early left
-- expect: attendance_left_early
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, arrived_at)
  VALUES (:c, :talk, :cat, 'left_early', 'scan', now());
-- promise: nobody leaves before they came
-- expect: attendance_left
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, arrived_at, left_at)
VALUES (:c, :talk, :cat, 'left_early', 'scan', now(), now() - interval '1 minute');
-- promise: an excused member has an excuse
-- expect: attendance_excused
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, marked_by)
  VALUES (:c, :talk, :cat, 'excused', 'roster', :ann);
-- promise: a made-up lecture points to another
-- expect: attendance_made_up
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, marked_by)
  VALUES (:c, :talk, :cat, 'made_up', 'roster', :ann);
-- promise: a made-up lecture points to an attended one
-- expect: attendance_made_up_by
INSERT INTO attendance (community_id, lecture_id, member_id, state, via)
  VALUES (:c, :talk2, :cat, 'absent', 'close');
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, marked_by, made_up_by)
VALUES (:c, :talk, :cat, 'made_up', 'roster', :ann, :talk2);
-- promise: what made up for another can't be unmarked behind its back
-- expect: attendance_made_up_by
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, arrived_at)
  VALUES (:c, :talk2, :cat, 'present', 'code', now());
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, marked_by, made_up_by)
VALUES (:c, :talk, :cat, 'made_up', 'roster', :ann, :talk2);
UPDATE attendance SET state = 'absent', arrived_at = NULL
  WHERE community_id = :c AND lecture_id = :talk2;
-- promise: an attended lecture makes up for one other
-- expect: attendance_made_up_once
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, arrived_at)
  VALUES (:c, :talk2, :cat, 'present', 'code', now());
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, marked_by,
  made_up_by) VALUES
  (:c, :talk, :cat, 'made_up', 'roster', :ann, :talk2), (:c, :talk3, :cat, 'made_up', 'roster',
    :ann, :talk2);
-- promise: a lecture doesn't make up for itself
-- expect: attendance_made_up_other
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, marked_by, made_up_by)
VALUES (:c, :talk, :cat, 'made_up', 'roster', :ann, :talk);
-- promise: a mark by roster has an author
-- expect: attendance_marked_by
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, arrived_at)
  VALUES (:c, :talk, :cat, 'present', 'roster', now());
-- promise: members of another community aren't marked here
-- expect: attendance_member
INSERT INTO attendance (community_id, lecture_id, member_id, state, via, arrived_at)
  VALUES (:c, :talk, :eve, 'present', 'code', now());
-- promise: a scan counts once
-- expect: scan_pkey
INSERT INTO scan (community_id, device_id, nonce, scanned_at, result)
  VALUES (:c, 'd', 'n', now(), 'applied'), (:c, 'd', 'n', now(), 'applied');
-- promise: overlapping stays online are counted once
-- expect: = 60
INSERT INTO presence_interval (community_id, lecture_id, member_id, id, source, joined_at,
  seen_at, left_at) VALUES
  (:c, :talk, :cat, :new1, 'app', '2026-06-01 11:00Z', '2026-06-01 11:40Z', '2026-06-01 11:40Z'),
  (:c, :talk, :cat, :new2, 'room', '2026-06-01 11:30Z', '2026-06-01 12:00Z', NULL);
SELECT round(sum(extract(epoch FROM upper(r) - lower(r))) / 60) FROM
  (SELECT unnest(range_agg(span)) r FROM presence_interval
    WHERE community_id = :c AND lecture_id = :talk) u;
