-- Lecturers, places, courses, and lectures in time.

-- The instant of a wall-clock time in a zone. In the autumn fold a time comes twice: RFC 5545
-- takes the first, PostgreSQL the second; so look whether the offset of the day before gives the
-- same wall time at an earlier instant. In the spring gap both move on by the gap.
-- Not immutable in truth: a new tzdata may move it. Therefore a lecture stores the instant.
CREATE FUNCTION wall_instant(wall timestamp, zone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN early < late AND early AT TIME ZONE zone = wall THEN early ELSE late END
  FROM (SELECT late, (wall - (((late - interval '24 hours') AT TIME ZONE zone)
                              - ((late - interval '24 hours') AT TIME ZONE 'UTC')))
                     AT TIME ZONE 'UTC' AS early
        FROM (SELECT wall AT TIME ZONE zone AS late OFFSET 0) AS second OFFSET 0) AS both_of
$$;

-- Minutes are added in UTC, so no zone and no setting takes part: immutable in truth, which
-- PostgreSQL can't know of timestamptz + interval (it might hold days).
CREATE FUNCTION lecture_during(start_at timestamptz, minutes int) RETURNS tstzrange
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN tstzrange(start_at, start_at + make_interval(mins => minutes));

-- A lecturer's profile needs no account; a link lets its person claim it later.
CREATE TABLE lecturer (
  community_id bigint NOT NULL CONSTRAINT lecturer_community REFERENCES community (id),
  id uuid NOT NULL,
  slug text NOT NULL CONSTRAINT lecturer_slug_form CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name bilingual NOT NULL,
  bio bilingual,
  portrait_url text,
  member_id uuid,
  claim_digest bytea,
  claim_expires_at timestamptz,
  position int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  version int NOT NULL DEFAULT 1,
  CONSTRAINT lecturer_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT lecturer_slug UNIQUE (community_id, slug),
  CONSTRAINT lecturer_one_profile UNIQUE (community_id, member_id),
  CONSTRAINT lecturer_member FOREIGN KEY (community_id, member_id)
    REFERENCES member (community_id, id),
  CONSTRAINT lecturer_claim CHECK ((claim_digest IS NULL) = (claim_expires_at IS NULL)
                                   AND (claim_digest IS NULL OR member_id IS NULL))
);
CREATE INDEX lecturer_created ON lecturer (community_id, created_at, id);

CREATE TABLE venue (
  community_id bigint NOT NULL CONSTRAINT venue_community REFERENCES community (id),
  id uuid NOT NULL,
  name bilingual NOT NULL,
  address bilingual,
  zone text NOT NULL,
  exclusive boolean NOT NULL DEFAULT true,      -- a hall holds one lecture, an online room many
  seats int CONSTRAINT venue_seats CHECK (seats >= 1),
  created_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  version int NOT NULL DEFAULT 1,
  CONSTRAINT venue_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT venue_exclusive UNIQUE (community_id, id, exclusive)
);

-- 期: one run of a course, and who belongs to it.
CREATE TABLE cohort (
  community_id bigint NOT NULL CONSTRAINT cohort_community REFERENCES community (id),
  id uuid NOT NULL,
  slug text NOT NULL CONSTRAINT cohort_slug_form CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name bilingual NOT NULL,
  product_id uuid,
  starts_on date,
  ends_on date,
  created_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  version int NOT NULL DEFAULT 1,
  CONSTRAINT cohort_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT cohort_slug UNIQUE (community_id, slug),
  CONSTRAINT cohort_dates CHECK (ends_on >= starts_on),
  CONSTRAINT cohort_product FOREIGN KEY (community_id, product_id)
    REFERENCES product (community_id, id)
);

CREATE TABLE enrolment (
  community_id bigint NOT NULL,
  cohort_id uuid NOT NULL,
  member_id uuid NOT NULL,
  enrolled_at timestamptz NOT NULL DEFAULT now(),
  enrolled_by uuid,
  withdrawn_at timestamptz,
  CONSTRAINT enrolment_pkey PRIMARY KEY (community_id, cohort_id, member_id),
  CONSTRAINT enrolment_cohort FOREIGN KEY (community_id, cohort_id)
    REFERENCES cohort (community_id, id),
  CONSTRAINT enrolment_member FOREIGN KEY (community_id, member_id)
    REFERENCES member (community_id, id)
);
CREATE INDEX enrolment_of_member ON enrolment (community_id, member_id);

-- A rule that makes lectures: RRULE (RFC 5545) over a wall-clock start in a zone.
CREATE TABLE series (
  community_id bigint NOT NULL CONSTRAINT series_community REFERENCES community (id),
  id uuid NOT NULL,
  kind text NOT NULL CONSTRAINT series_kind CHECK (kind IN ('talk', 'meetup')),
  title bilingual NOT NULL,
  summary bilingual,
  rrule text NOT NULL CONSTRAINT series_rrule CHECK (length(rrule) BETWEEN 5 AND 1000),
  exdates timestamp[] NOT NULL DEFAULT '{}',
  start_wall timestamp NOT NULL,
  tz text NOT NULL CONSTRAINT series_tz CHECK (length(tz) BETWEEN 1 AND 64),
  minutes int NOT NULL CONSTRAINT series_minutes CHECK (minutes BETWEEN 1 AND 1440),
  lecturer_id uuid,
  venue_id uuid,
  cohort_id uuid,
  split_from uuid,                              -- "this and following" makes a new series
  made_until timestamp,                         -- lectures exist up to here
  sequence int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  version int NOT NULL DEFAULT 1,
  CONSTRAINT series_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT series_lecturer FOREIGN KEY (community_id, lecturer_id)
    REFERENCES lecturer (community_id, id),
  CONSTRAINT series_venue FOREIGN KEY (community_id, venue_id) REFERENCES venue (community_id, id),
  CONSTRAINT series_cohort FOREIGN KEY (community_id, cohort_id)
    REFERENCES cohort (community_id, id),
  CONSTRAINT series_split FOREIGN KEY (community_id, split_from)
    REFERENCES series (community_id, id)
);

-- The statement that writes start_wall or tz also writes start_at = wall_instant(start_wall, tz).
CREATE TABLE lecture (
  community_id bigint NOT NULL CONSTRAINT lecture_community REFERENCES community (id),
  id uuid NOT NULL,
  kind text NOT NULL DEFAULT 'talk' CONSTRAINT lecture_kind CHECK (kind IN ('talk', 'meetup')),
  status text NOT NULL DEFAULT 'draft'
    CONSTRAINT lecture_status CHECK (status IN ('draft', 'scheduled', 'ended', 'cancelled')),
  title bilingual NOT NULL,
  summary bilingual,
  series_id uuid,
  slot_wall timestamp,                          -- RECURRENCE-ID: never changes when it is moved
  start_wall timestamp NOT NULL,
  tz text NOT NULL CONSTRAINT lecture_tz CHECK (length(tz) BETWEEN 1 AND 64),
  minutes int NOT NULL CONSTRAINT lecture_minutes CHECK (minutes BETWEEN 1 AND 1440),
  start_at timestamptz NOT NULL,
  during tstzrange NOT NULL GENERATED ALWAYS AS (lecture_during(start_at, minutes)) STORED,
  lecturer_id uuid,
  venue_id uuid,
  venue_exclusive boolean,                      -- the venue's, held equal by lecture_venue
  room_url text,                                -- where it happens online
  place text,                                   -- where else it happens
  cohort_id uuid,
  audience text NOT NULL DEFAULT 'members'
    CONSTRAINT lecture_audience CHECK (audience IN ('public', 'members', 'cohort')),
  capacity int CONSTRAINT lecture_capacity CHECK (capacity >= 0),
  opens_before int NOT NULL DEFAULT 30          -- minutes; check-in
    CONSTRAINT lecture_opens_before CHECK (opens_before BETWEEN 0 AND 1440),
  late_after int NOT NULL DEFAULT 10
    CONSTRAINT lecture_late_after CHECK (late_after BETWEEN 0 AND 1440),
  override_by uuid,                             -- the operator who let it collide, and why
  override_reason text,
  sequence int NOT NULL DEFAULT 0 CONSTRAINT lecture_sequence CHECK (sequence >= 0),
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  published_at timestamptz,
  closed_at timestamptz,                        -- attendance was settled
  cancelled_at timestamptz,
  cancel_reason text,
  version int NOT NULL DEFAULT 1,
  CONSTRAINT lecture_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT lecture_series_slot UNIQUE (community_id, series_id, slot_wall),
  CONSTRAINT lecture_slot CHECK ((series_id IS NULL) = (slot_wall IS NULL)),
  -- No zone is further than this from UTC: a wall time and an instant that don't belong together.
  CONSTRAINT lecture_start_is_wall CHECK (
    abs(extract(epoch FROM start_wall) - extract(epoch FROM start_at)) <= 16 * 3600),
  CONSTRAINT lecture_override CHECK ((override_by IS NULL) = (override_reason IS NULL)),
  CONSTRAINT lecture_published CHECK (status NOT IN ('scheduled', 'ended')
    OR published_at IS NOT NULL),
  CONSTRAINT lecture_cancelled CHECK ((status = 'cancelled') =
    (cancelled_at IS NOT NULL AND cancel_reason IS NOT NULL)),
  CONSTRAINT lecture_cohort_audience CHECK (audience <> 'cohort' OR cohort_id IS NOT NULL),
  CONSTRAINT lecture_venue_known CHECK ((venue_id IS NULL) = (venue_exclusive IS NULL)),
  CONSTRAINT lecture_lecturer FOREIGN KEY (community_id, lecturer_id)
    REFERENCES lecturer (community_id, id),
  CONSTRAINT lecture_venue FOREIGN KEY (community_id, venue_id, venue_exclusive)
    REFERENCES venue (community_id, id, exclusive),
  CONSTRAINT lecture_cohort FOREIGN KEY (community_id, cohort_id)
    REFERENCES cohort (community_id, id),
  CONSTRAINT lecture_series FOREIGN KEY (community_id, series_id)
    REFERENCES series (community_id, id),
  CONSTRAINT lecture_override_by FOREIGN KEY (community_id, override_by)
    REFERENCES member (community_id, id),
  -- Nobody stands in two halls at once, and no hall holds two lectures. A draft and a cancelled
  -- lecture hold nothing; one with an override was let in on purpose.
  CONSTRAINT lecture_lecturer_busy EXCLUDE USING gist
    (lecturer_id WITH =, during WITH &&, community_id WITH =)
    WHERE (status IN ('scheduled', 'ended') AND override_by IS NULL),
  CONSTRAINT lecture_venue_busy EXCLUDE USING gist
    (venue_id WITH =, during WITH &&, community_id WITH =)
    WHERE (status IN ('scheduled', 'ended') AND override_by IS NULL AND venue_exclusive)
);
CREATE INDEX lecture_start ON lecture (community_id, start_at, id);
CREATE INDEX lecture_of_lecturer ON lecture (community_id, lecturer_id, start_at);
CREATE INDEX lecture_of_cohort ON lecture (community_id, cohort_id, start_at)
  WHERE cohort_id IS NOT NULL;
CREATE INDEX lecture_unsettled ON lecture (community_id, start_at)
  WHERE status = 'scheduled' OR (status = 'ended' AND closed_at IS NULL);

-- Seats are rows, claimed with SKIP LOCKED: a counter would make everybody wait for everybody.
CREATE TABLE seat (
  community_id bigint NOT NULL,
  lecture_id uuid NOT NULL,
  number int NOT NULL CONSTRAINT seat_number CHECK (number >= 1),
  member_id uuid,
  claimed_at timestamptz,
  CONSTRAINT seat_pkey PRIMARY KEY (community_id, lecture_id, number),
  CONSTRAINT seat_one_each UNIQUE (community_id, lecture_id, member_id),
  CONSTRAINT seat_claimed CHECK ((member_id IS NULL) = (claimed_at IS NULL)),
  -- What an RSVP refers to: this very seat, held by this very member.
  CONSTRAINT seat_held UNIQUE (community_id, lecture_id, number, member_id),
  CONSTRAINT seat_lecture FOREIGN KEY (community_id, lecture_id)
    REFERENCES lecture (community_id, id),
  CONSTRAINT seat_member FOREIGN KEY (community_id, member_id)
    REFERENCES member (community_id, id)
);
CREATE INDEX seat_free ON seat (community_id, lecture_id, number) WHERE member_id IS NULL;

CREATE TABLE rsvp (
  community_id bigint NOT NULL,
  lecture_id uuid NOT NULL,
  member_id uuid NOT NULL,
  state text NOT NULL CONSTRAINT rsvp_state
    CHECK (state IN ('confirmed', 'offered', 'waiting', 'needs_reconfirm', 'cancelled')),
  seated boolean NOT NULL,                      -- the lecture has seats; else all may come
  seat_number int,
  queued_at timestamptz,
  offer_expires_at timestamptz,
  confirmed_at timestamptz,
  cancelled_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  version int NOT NULL DEFAULT 1,
  CONSTRAINT rsvp_pkey PRIMARY KEY (community_id, lecture_id, member_id),
  CONSTRAINT rsvp_seat FOREIGN KEY (community_id, lecture_id, seat_number, member_id)
    REFERENCES seat (community_id, lecture_id, number, member_id),
  CONSTRAINT rsvp_lecture FOREIGN KEY (community_id, lecture_id)
    REFERENCES lecture (community_id, id),
  CONSTRAINT rsvp_member FOREIGN KEY (community_id, member_id)
    REFERENCES member (community_id, id),
  -- Who may come holds a seat, where there are seats; who waits or has gone holds none.
  CONSTRAINT rsvp_has_seat CHECK (CASE
    WHEN state IN ('waiting', 'cancelled') OR NOT seated THEN seat_number IS NULL
    ELSE seat_number IS NOT NULL END),
  CONSTRAINT rsvp_offer CHECK ((state = 'offered') = (offer_expires_at IS NOT NULL)),
  CONSTRAINT rsvp_queued CHECK (state <> 'waiting' OR (queued_at IS NOT NULL AND seated)),
  CONSTRAINT rsvp_confirmed CHECK (state <> 'confirmed' OR confirmed_at IS NOT NULL),
  CONSTRAINT rsvp_cancelled CHECK ((state = 'cancelled') = (cancelled_at IS NOT NULL))
);
CREATE INDEX rsvp_of_member ON rsvp (community_id, member_id, lecture_id);
CREATE INDEX rsvp_queue ON rsvp (community_id, lecture_id, queued_at) WHERE state = 'waiting';
CREATE INDEX rsvp_offers ON rsvp (community_id, offer_expires_at) WHERE state = 'offered';
