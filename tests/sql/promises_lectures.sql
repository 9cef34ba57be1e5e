-- promise: a lecturer is never double-booked, by a move neither
-- expect: lecture_lecturer_busy
UPDATE lecture SET start_wall = '2026-06-01 20:29', start_at = '2026-06-01 12:29Z',
  venue_id = NULL, venue_exclusive = NULL
WHERE community_id = :c AND id = :talk2;
-- promise: an exclusive venue is never double-booked
-- expect: lecture_venue_busy
UPDATE lecture SET start_wall = '2026-06-01 20:29', start_at = '2026-06-01 12:29Z',
  lecturer_id = NULL
WHERE community_id = :c AND id = :talk2;
-- promise: a longer lecture is checked too
-- expect: lecture_lecturer_busy
UPDATE lecture SET start_wall = '2026-06-01 20:30', start_at = '2026-06-01 12:30Z'
  WHERE community_id = :c AND id = :talk2;
UPDATE lecture SET minutes = 91 WHERE community_id = :c AND id = :talk;
-- promise: publishing a draft that collides is refused
-- expect: lecture_lecturer_busy
UPDATE lecture SET lecturer_id = :chen WHERE community_id = :c AND id = :talk3;
UPDATE lecture SET status = 'scheduled', published_at = now()
  WHERE community_id = :c AND id = :talk3;
-- promise: a lecture may follow another at once, or take the time of a cancelled one
-- expect: ok
UPDATE lecture SET start_wall = '2026-06-01 20:30', start_at = '2026-06-01 12:30Z'
  WHERE community_id = :c AND id = :talk2;
UPDATE lecture SET status = 'cancelled', cancelled_at = now(), cancel_reason = 'x'
  WHERE community_id = :c AND id = :talk;
UPDATE lecture SET start_wall = '2026-06-01 19:00', start_at = '2026-06-01 11:00Z'
  WHERE community_id = :c AND id = :talk2;
-- promise: a shared room holds many lectures
-- expect: ok
UPDATE lecture SET venue_id = :room, venue_exclusive = false, lecturer_id = NULL,
  start_wall = '2026-06-01 19:00', start_at = '2026-06-01 11:00Z' WHERE community_id = :c;
-- promise: a lecture can't call an exclusive hall shared
-- expect: lecture_venue
UPDATE lecture SET venue_exclusive = false WHERE community_id = :c AND id = :talk;
-- promise: a hall in use can't be called shared behind its lectures' back
-- expect: lecture_venue
UPDATE venue SET exclusive = false WHERE community_id = :c AND id = :hall;
-- promise: an override has a reason
-- expect: lecture_override
UPDATE lecture SET override_by = :ann WHERE community_id = :c AND id = :talk2;
-- promise: an override lets a lecture collide
-- expect: ok
UPDATE lecture SET override_by = :ann, override_reason = 'x', start_wall = '2026-06-01 19:00',
  start_at = '2026-06-01 11:00Z'
WHERE community_id = :c AND id = :talk2;
-- promise: a lecturer of another community is no lecturer here
-- expect: lecture_lecturer
INSERT INTO lecture (community_id, id, title, start_wall, tz, start_at, minutes, lecturer_id)
VALUES (:other, :new1, :n, '2026-06-01 19:00', 'Asia/Shanghai', '2026-06-01 11:00Z', 60, :chen);
-- promise: an instant that isn't the wall time's is refused
-- expect: lecture_start_is_wall
UPDATE lecture SET start_at = '2026-06-03 11:00Z' WHERE community_id = :c AND id = :talk;
-- promise: a cancelled lecture says why
-- expect: lecture_cancelled
UPDATE lecture SET status = 'cancelled', cancelled_at = now()
  WHERE community_id = :c AND id = :talk;
-- promise: a series makes each slot once
-- expect: lecture_series_slot
INSERT INTO series (community_id, id, kind, title, rrule, start_wall, tz, minutes)
VALUES (:c, :new1, 'talk', :n, 'FREQ=WEEKLY', '2026-06-01 19:00', 'Asia/Shanghai', 60);
UPDATE lecture SET series_id = :new1, slot_wall = '2026-06-01 19:00' WHERE community_id = :c;
-- promise: in the autumn fold a wall time is its first instant
-- expect: = 2026-11-01T05:30:00.000Z
SELECT iso(wall_instant('2026-11-01 01:30', 'America/New_York'));
-- promise: after the fold, in the spring gap and without any, wall times are PostgreSQL's
-- expect: = 2026-11-01T07:30:00.000Z 2026-03-08T07:30:00.000Z 2026-06-05T11:45:00.000Z
SELECT concat_ws(' ', iso(wall_instant('2026-11-01 02:30', 'America/New_York')),
  iso(wall_instant('2026-03-08 02:30', 'America/New_York')), iso(wall_instant('2026-06-05 19:45',
    'Asia/Shanghai')));
-- promise: a fold of half an hour is a fold
-- expect: = 2026-04-04T14:45:00.000Z
SELECT iso(wall_instant('2026-04-05 01:45', 'Australia/Lord_Howe'));
-- promise: minutes are added in UTC, whatever the session's zone
-- expect: = 2026-11-01T06:30:00.000Z
SET LOCAL TimeZone = 'America/New_York';
SELECT iso(upper(lecture_during('2026-11-01 05:30Z', 60)));
-- promise: a seat is held by one RSVP of its own member
-- expect: rsvp_seat
INSERT INTO seat (community_id, lecture_id, number, member_id, claimed_at)
  VALUES (:c, :talk, 1, :cat, now());
INSERT INTO rsvp (community_id, lecture_id, member_id, state, seated, seat_number, confirmed_at)
VALUES (:c, :talk, :bob, 'confirmed', true, 1, now());
-- promise: a member holds one seat of a lecture
-- expect: seat_one_each
INSERT INTO seat (community_id, lecture_id, number, member_id, claimed_at)
  VALUES (:c, :talk, 1, :cat, now()), (:c, :talk, 2, :cat, now());
-- promise: where there are seats a confirmed RSVP has one
-- expect: rsvp_has_seat
INSERT INTO rsvp (community_id, lecture_id, member_id, state, seated, confirmed_at)
  VALUES (:c, :talk, :cat, 'confirmed', true, now());
-- promise: who cancels holds no seat
-- expect: rsvp_has_seat
INSERT INTO seat (community_id, lecture_id, number, member_id, claimed_at)
  VALUES (:c, :talk, 1, :cat, now());
INSERT INTO rsvp (community_id, lecture_id, member_id, state, seated, seat_number, cancelled_at)
VALUES (:c, :talk, :cat, 'cancelled', true, 1, now());
-- promise: a seat isn't freed under a confirmed RSVP
-- expect: rsvp_seat
INSERT INTO seat (community_id, lecture_id, number, member_id, claimed_at)
  VALUES (:c, :talk, 1, :cat, now());
INSERT INTO rsvp (community_id, lecture_id, member_id, state, seated, seat_number, confirmed_at)
VALUES (:c, :talk, :cat, 'confirmed', true, 1, now());
UPDATE seat SET member_id = NULL, claimed_at = NULL WHERE community_id = :c;
-- promise: an offer expires
-- expect: rsvp_offer
INSERT INTO rsvp (community_id, lecture_id, member_id, state, seated)
  VALUES (:c, :talk, :cat, 'offered', false);
