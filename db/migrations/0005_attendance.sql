-- Who came. One row per lecture and member, and no counter anywhere: a row that every check-in
-- touches would cost fourteen times the check-in.

CREATE TABLE attendance (
  community_id bigint NOT NULL,
  lecture_id uuid NOT NULL,
  member_id uuid NOT NULL,
  state text NOT NULL CONSTRAINT attendance_state
    CHECK (state IN ('present', 'late', 'left_early', 'absent', 'excused', 'made_up')),
  via text NOT NULL CONSTRAINT attendance_via
    CHECK (via IN ('code', 'roster', 'scan', 'presence', 'close')),
  arrived_at timestamptz,                       -- the first arrival
  left_at timestamptz,
  minutes int CONSTRAINT attendance_minutes CHECK (minutes BETWEEN 0 AND 1440),
  excuse text CONSTRAINT attendance_excuse_length CHECK (length(excuse) <= 500),
  made_up_by uuid,                              -- the lecture attended in its stead
  -- The device that checked in. Two members on one device are told apart from nothing else:
  -- the roster flags them by count(*) OVER (PARTITION BY device_id) > 1.
  device_id text CONSTRAINT attendance_device CHECK (length(device_id) <= 64),
  marked_by uuid,                               -- the person who marked; null = the machine
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  version int NOT NULL DEFAULT 1,
  came boolean NOT NULL
    GENERATED ALWAYS AS (state = 'present' OR state = 'late' OR state = 'left_early') STORED,
  made_up_came boolean
    GENERATED ALWAYS AS (CASE WHEN made_up_by IS NOT NULL THEN true END) STORED,
  CONSTRAINT attendance_pkey PRIMARY KEY (community_id, lecture_id, member_id),
  -- A member's own list, and the proof that a made-up lecture was attended.
  CONSTRAINT attendance_of_member UNIQUE (community_id, member_id, lecture_id, came),
  CONSTRAINT attendance_lecture FOREIGN KEY (community_id, lecture_id)
    REFERENCES lecture (community_id, id),
  CONSTRAINT attendance_member FOREIGN KEY (community_id, member_id)
    REFERENCES member (community_id, id),
  CONSTRAINT attendance_made_up_by
    FOREIGN KEY (community_id, member_id, made_up_by, made_up_came)
    REFERENCES attendance (community_id, member_id, lecture_id, came),
  CONSTRAINT attendance_arrival CHECK (CASE
    WHEN state IN ('present', 'late', 'left_early') THEN arrived_at IS NOT NULL
    WHEN state = 'absent' THEN arrived_at IS NULL
    ELSE true END),
  CONSTRAINT attendance_left CHECK (left_at >= arrived_at),
  CONSTRAINT attendance_left_early CHECK (state <> 'left_early' OR left_at IS NOT NULL),
  CONSTRAINT attendance_excused CHECK (state <> 'excused' OR (excuse IS NOT NULL AND excuse <> '')),
  CONSTRAINT attendance_made_up CHECK ((state = 'made_up') = (made_up_by IS NOT NULL)),
  CONSTRAINT attendance_made_up_other CHECK (made_up_by <> lecture_id),
  CONSTRAINT attendance_marked_by CHECK (via <> 'roster' OR marked_by IS NOT NULL),
  CONSTRAINT attendance_closed CHECK (via <> 'close' OR marked_by IS NULL)
) WITH (fillfactor = 90);
-- An attended lecture makes up for one other, not for two.
CREATE UNIQUE INDEX attendance_made_up_once ON attendance (community_id, member_id, made_up_by)
  WHERE made_up_by IS NOT NULL;

-- Every change of a mark, by whom. Append-only.
CREATE TABLE attendance_history (
  community_id bigint NOT NULL,
  lecture_id uuid NOT NULL,
  member_id uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  id uuid NOT NULL,
  before_state text,
  after_state text NOT NULL,
  via text NOT NULL,
  marked_by uuid,
  detail jsonb,
  CONSTRAINT attendance_history_pkey PRIMARY KEY (community_id, lecture_id, member_id, at, id)
);

-- What scanners sent, in any order and again: (device, nonce) makes each count once. Append-only.
CREATE TABLE scan (
  community_id bigint NOT NULL,
  device_id text NOT NULL CONSTRAINT scan_device CHECK (length(device_id) BETWEEN 1 AND 64),
  nonce text NOT NULL CONSTRAINT scan_nonce CHECK (length(nonce) BETWEEN 1 AND 64),
  lecture_id uuid,
  member_id uuid,
  direction text NOT NULL DEFAULT 'in' CONSTRAINT scan_direction CHECK (direction IN ('in', 'out')),
  scanned_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  scanned_by uuid,
  result text NOT NULL
    CONSTRAINT scan_result CHECK (result IN ('applied', 'superseded', 'rejected')),
  reason text,
  CONSTRAINT scan_pkey PRIMARY KEY (community_id, device_id, nonce),
  CONSTRAINT scan_rejected CHECK (result <> 'rejected' OR reason IS NOT NULL)
);
CREATE INDEX scan_of_lecture ON scan (community_id, lecture_id, scanned_at);

-- Being there online: from joining to leaving. Minutes are the length of the union of these
-- (range_agg(span)) within the lecture, whoever reported them.
CREATE TABLE presence_interval (
  community_id bigint NOT NULL,
  lecture_id uuid NOT NULL,
  member_id uuid NOT NULL,
  id uuid NOT NULL,
  source text NOT NULL CONSTRAINT presence_interval_source
    CHECK (source IN ('app', 'room', 'import')),
  source_ref text,                              -- the room's own id of this stay
  joined_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,                 -- still there, last heard
  left_at timestamptz,
  span tstzrange NOT NULL
    GENERATED ALWAYS AS (tstzrange(joined_at, coalesce(left_at, seen_at), '[]')) STORED,
  CONSTRAINT presence_interval_pkey PRIMARY KEY (community_id, lecture_id, member_id, id),
  CONSTRAINT presence_interval_order CHECK (seen_at >= joined_at AND left_at >= joined_at),
  CONSTRAINT presence_interval_lecture FOREIGN KEY (community_id, lecture_id)
    REFERENCES lecture (community_id, id),
  CONSTRAINT presence_interval_member FOREIGN KEY (community_id, member_id)
    REFERENCES member (community_id, id)
);
CREATE UNIQUE INDEX presence_interval_ref
  ON presence_interval (community_id, lecture_id, source, source_ref) WHERE source_ref IS NOT NULL;

-- How a rate is counted. A rate names the version it was counted by. Never changed.
CREATE TABLE attendance_policy (
  community_id bigint NOT NULL CONSTRAINT attendance_policy_community REFERENCES community (id),
  version int NOT NULL CONSTRAINT attendance_policy_version CHECK (version >= 1),
  terms jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by uuid,
  CONSTRAINT attendance_policy_pkey PRIMARY KEY (community_id, version)
);
