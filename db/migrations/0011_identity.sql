-- Messages on their way out, and what the identity endpoints look up.

-- Mail and SMS. A row is written in the statement that makes the message, taken by a committed
-- lease (due_at moves ahead before anything is sent) and goes when it was handed over or is of no
-- use any more: who was killed in between is followed by whoever looks next. So a message may come
-- twice, and is never lost.
CREATE TABLE delivery (
  community_id bigint NOT NULL CONSTRAINT delivery_community REFERENCES community (id),
  id uuid NOT NULL,
  channel text NOT NULL CONSTRAINT delivery_channel CHECK (channel IN ('mail', 'sms')),
  kind text NOT NULL CONSTRAINT delivery_kind CHECK (kind IN ('code', 'password_changed')),
  locale text NOT NULL CONSTRAINT delivery_locale CHECK (locale IN ('zh-CN', 'en')),
  sealed bytea NOT NULL,                        -- recipient and code, under the server's key
  tries int NOT NULL DEFAULT 0 CONSTRAINT delivery_tries CHECK (tries >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  due_at timestamptz NOT NULL DEFAULT now(),    -- not to be taken before
  expires_at timestamptz NOT NULL,              -- of no use after
  CONSTRAINT delivery_pkey PRIMARY KEY (community_id, id)
);
CREATE INDEX delivery_due ON delivery (due_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON delivery TO lyceum_server;

-- A member's state at a point in time: what was imposed until a moment ends by itself then.
CREATE FUNCTION member_state(m member, at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN (m).state_until <= at THEN 'active' ELSE (m).state END;

-- Owners in good standing are few among many: who else could keep the community?
CREATE INDEX member_owners ON member (community_id, id) WHERE keeps;
