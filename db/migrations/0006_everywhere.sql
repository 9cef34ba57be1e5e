-- What every part of the house writes to.

-- Who did what, from where. Append-only: plain columns hold ids and facts, and what is personal
-- is sealed with that person's key, so that erasing the key erases it here too.
CREATE TABLE audit_log (
  community_id bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  id uuid NOT NULL,
  actor_id uuid,                                -- a member; null = the machine or the command line
  actor_role text,
  via text NOT NULL DEFAULT 'http'
    CONSTRAINT audit_log_via CHECK (via IN ('http', 'cli', 'job', 'webhook')),
  action text NOT NULL CONSTRAINT audit_log_action CHECK (action ~ '^[a-z_]+[.][a-z_]+$'),
  target_kind text,
  target_id uuid,
  before jsonb,
  after jsonb,
  reason text,
  request_id text,
  sealed bytea,                                 -- address and other personal facts
  CONSTRAINT audit_log_pkey PRIMARY KEY (community_id, at, id)
);
CREATE INDEX audit_log_target ON audit_log (community_id, target_id, at)
  WHERE target_id IS NOT NULL;

-- What is to be told outside, written in the transaction that did it. Each consumer keeps a cursor
-- per community.
CREATE TABLE outbox (
  community_id bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  id uuid NOT NULL,
  topic text NOT NULL CONSTRAINT outbox_topic CHECK (topic ~ '^[a-z_]+[.][a-z_]+$'),
  subject_id uuid,
  payload jsonb,
  CONSTRAINT outbox_pkey PRIMARY KEY (community_id, at, id)
);

CREATE TABLE outbox_cursor (
  community_id bigint NOT NULL,
  consumer text NOT NULL,
  at timestamptz NOT NULL,
  id uuid NOT NULL,
  CONSTRAINT outbox_cursor_pkey PRIMARY KEY (community_id, consumer)
);

-- The answer to an Idempotency-Key, kept 7 days beside the effect it answers for. A caller who is
-- not signed in is known by a UUID made of what was sent.
CREATE TABLE idempotency (
  community_id bigint NOT NULL,
  caller uuid NOT NULL,
  key text NOT NULL CONSTRAINT idempotency_key_size CHECK (length(key) BETWEEN 1 AND 255),
  request_hash bytea NOT NULL,
  status int CONSTRAINT idempotency_status CHECK (status BETWEEN 200 AND 499
    AND status NOT IN (409, 429)),
  headers bytea,
  body bytea,
  result jsonb,                                 -- or what to render the same bytes from
  locale text,
  renderer int,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT idempotency_pkey PRIMARY KEY (community_id, caller, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- Work that outlives a request. Taken by a committed lease, not by a lock held open: who was
-- killed is followed by whoever comes after taken_until, and goes on from `done`.
CREATE TABLE job (
  community_id bigint NOT NULL CONSTRAINT job_community REFERENCES community (id),
  id uuid NOT NULL,
  kind text NOT NULL,
  state text NOT NULL DEFAULT 'queued'
    CONSTRAINT job_state CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  unique_key text,                              -- at most one open job of this key
  args jsonb NOT NULL DEFAULT '{}',
  result jsonb,
  error text,
  total bigint CONSTRAINT job_total CHECK (total >= 0),
  done bigint NOT NULL DEFAULT 0,
  failed bigint NOT NULL DEFAULT 0,
  tries int NOT NULL DEFAULT 0,
  run_at timestamptz NOT NULL DEFAULT now(),
  taken_until timestamptz,
  taken_by text,
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  CONSTRAINT job_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT job_progress
    CHECK (done >= 0 AND failed >= 0 AND (total IS NULL OR done + failed <= total)),
  CONSTRAINT job_taken CHECK ((state = 'running') = (taken_until IS NOT NULL)),
  CONSTRAINT job_finished
    CHECK ((state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX job_open ON job (run_at) WHERE finished_at IS NULL;
CREATE INDEX job_created ON job (community_id, created_at, id);
CREATE UNIQUE INDEX job_unique_key ON job (community_id, kind, unique_key)
  WHERE unique_key IS NOT NULL AND finished_at IS NULL;

ALTER TABLE code_batch ADD CONSTRAINT code_batch_job
  FOREIGN KEY (community_id, job_id) REFERENCES job (community_id, id);

-- What was sent, for the mailbox page of a demonstration. Written in no other mode.
CREATE TABLE mailbox (
  community_id bigint NOT NULL CONSTRAINT mailbox_community REFERENCES community (id),
  at timestamptz NOT NULL DEFAULT now(),
  id uuid NOT NULL,
  channel text NOT NULL CONSTRAINT mailbox_channel CHECK (channel IN ('mail', 'sms')),
  recipient text NOT NULL,
  subject text,
  body text NOT NULL,
  CONSTRAINT mailbox_pkey PRIMARY KEY (community_id, at, id)
);
