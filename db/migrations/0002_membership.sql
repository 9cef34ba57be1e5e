-- Paid membership: what is sold, what was paid, and the spans of time that follow from it.

CREATE TABLE product (
  community_id bigint NOT NULL CONSTRAINT product_community REFERENCES community (id),
  id uuid NOT NULL,
  slug text NOT NULL CONSTRAINT product_slug_form CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  kind text NOT NULL
    CONSTRAINT product_kind CHECK (kind IN ('membership', 'camp', 'ticket', 'donation')),
  name bilingual NOT NULL,
  summary bilingual,
  position int NOT NULL DEFAULT 0,
  version int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz,
  CONSTRAINT product_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT product_slug UNIQUE (community_id, slug)
);

-- Terms. The server may insert a plan and retire it, but holds no right to change a term (0007):
-- new terms are a new version.
CREATE TABLE plan (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  product_id uuid NOT NULL,
  slug text NOT NULL CONSTRAINT plan_slug_form CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  version int NOT NULL CONSTRAINT plan_version CHECK (version >= 1),
  name bilingual NOT NULL,
  benefits bilingual,
  price_minor bigint NOT NULL CONSTRAINT plan_price CHECK (price_minor >= 0),
  currency text NOT NULL CONSTRAINT plan_currency CHECK (currency ~ '^[A-Z]{3}$'),
  -- One period; null = sold once, for product kinds that last as long as they last.
  period_unit text CONSTRAINT plan_period_unit
    CHECK (period_unit IN ('day', 'week', 'month', 'year', 'lifetime')),
  period_count int CONSTRAINT plan_period_count CHECK (period_count BETWEEN 1 AND 1000),
  trial_days int NOT NULL DEFAULT 0 CONSTRAINT plan_trial CHECK (trial_days BETWEEN 0 AND 366),
  grace_days int NOT NULL DEFAULT 0 CONSTRAINT plan_grace CHECK (grace_days BETWEEN 0 AND 366),
  seats int CONSTRAINT plan_seats CHECK (seats >= 1),
  renews boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz,                       -- no longer sold; who has it keeps it
  CONSTRAINT plan_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT plan_slug_version UNIQUE (community_id, slug, version),
  -- The target of every reference that carries both: plan and product can't disagree.
  CONSTRAINT plan_of_product UNIQUE (community_id, id, product_id),
  CONSTRAINT plan_period CHECK ((period_unit IS NULL) = (period_count IS NULL)),
  CONSTRAINT plan_product FOREIGN KEY (community_id, product_id)
    REFERENCES product (community_id, id)
);

-- A standing arrangement: renewal, pause, notice. Its status is not here, nor anywhere: it is
-- derived by membership_status() at the moment of asking. A member who lives by spans alone (codes,
-- comps) needs no row.
CREATE TABLE membership (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  member_id uuid NOT NULL,
  product_id uuid NOT NULL,
  plan_id uuid NOT NULL,
  next_plan_id uuid,                            -- a downgrade, from the next period on
  auto_renew boolean NOT NULL DEFAULT false,
  renewal_provider text,
  renewal_ref text,                             -- the provider's subscription or contract
  cancel_at_period_end boolean NOT NULL DEFAULT false,
  paused_at timestamptz,
  resume_at timestamptz,
  banked_seconds bigint NOT NULL DEFAULT 0 CONSTRAINT membership_banked CHECK (banked_seconds >= 0),
  started_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  version int NOT NULL DEFAULT 1,
  CONSTRAINT membership_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT membership_member FOREIGN KEY (community_id, member_id)
    REFERENCES member (community_id, id),
  CONSTRAINT membership_plan FOREIGN KEY (community_id, plan_id, product_id)
    REFERENCES plan (community_id, id, product_id),
  CONSTRAINT membership_next_plan FOREIGN KEY (community_id, next_plan_id, product_id)
    REFERENCES plan (community_id, id, product_id),
  CONSTRAINT membership_notice CHECK (NOT (auto_renew AND cancel_at_period_end)),
  CONSTRAINT membership_paused
    CHECK (paused_at IS NOT NULL OR (resume_at IS NULL AND banked_seconds = 0)),
  CONSTRAINT membership_resume CHECK (resume_at > paused_at)
);
CREATE UNIQUE INDEX membership_one_live ON membership (community_id, member_id, product_id)
  WHERE ended_at IS NULL;
CREATE UNIQUE INDEX membership_renewal ON membership (community_id, renewal_provider, renewal_ref)
  WHERE renewal_ref IS NOT NULL;

-- An order's status follows from its amounts, so state and money can't disagree.
CREATE TABLE orders (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  member_id uuid NOT NULL,
  kind text NOT NULL CONSTRAINT orders_kind
    CHECK (kind IN ('purchase', 'renewal', 'upgrade', 'gift', 'by_hand')),
  membership_id uuid,                           -- whose renewal or upgrade this is
  currency text NOT NULL CONSTRAINT orders_currency CHECK (currency ~ '^[A-Z]{3}$'),
  total_minor bigint NOT NULL,
  paid_minor bigint NOT NULL DEFAULT 0,
  refunded_minor bigint NOT NULL DEFAULT 0,
  due_at timestamptz,
  expires_at timestamptz,
  closed_at timestamptz,
  closed_reason text
    CONSTRAINT orders_closed_reason CHECK (closed_reason IN ('cancelled', 'expired', 'failed')),
  status text NOT NULL GENERATED ALWAYS AS (CASE
    WHEN closed_reason IS NOT NULL THEN closed_reason
    WHEN refunded_minor > 0 AND refunded_minor = paid_minor THEN 'refunded'
    WHEN refunded_minor > 0 THEN 'partly_refunded'
    WHEN paid_minor = total_minor THEN 'paid'
    WHEN paid_minor > 0 THEN 'partly_paid'
    ELSE 'pending' END) STORED,
  created_at timestamptz NOT NULL DEFAULT now(),
  version int NOT NULL DEFAULT 1,
  CONSTRAINT orders_pkey PRIMARY KEY (community_id, id),
  -- What payments refer to: a payment in another currency than its order's can't be written.
  CONSTRAINT orders_in_currency UNIQUE (community_id, id, currency),
  CONSTRAINT orders_amounts
    CHECK (0 <= refunded_minor AND refunded_minor <= paid_minor AND paid_minor <= total_minor),
  CONSTRAINT orders_closed CHECK ((closed_at IS NULL) = (closed_reason IS NULL)),
  CONSTRAINT orders_closed_unpaid CHECK (closed_at IS NULL OR paid_minor = 0),
  CONSTRAINT orders_member FOREIGN KEY (community_id, member_id)
    REFERENCES member (community_id, id),
  CONSTRAINT orders_membership FOREIGN KEY (community_id, membership_id)
    REFERENCES membership (community_id, id),
  CONSTRAINT orders_renewal CHECK (kind <> 'renewal' OR membership_id IS NOT NULL)
);
CREATE INDEX orders_of_member ON orders (community_id, member_id, created_at, id);
CREATE INDEX orders_created ON orders (community_id, created_at, id);
CREATE INDEX orders_pending ON orders (community_id, expires_at) WHERE status = 'pending';
-- One open renewal at a time: two workers can't bill the same period twice.
CREATE UNIQUE INDEX orders_renewal_open ON orders (community_id, membership_id)
  WHERE kind = 'renewal' AND status = 'pending';

CREATE TABLE order_line (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  order_id uuid NOT NULL,
  product_id uuid NOT NULL,
  plan_id uuid NOT NULL,
  quantity int NOT NULL DEFAULT 1 CONSTRAINT order_line_quantity
    CHECK (quantity BETWEEN 1 AND 1000),
  unit_minor bigint NOT NULL CONSTRAINT order_line_unit CHECK (unit_minor >= 0),
  discount_minor bigint NOT NULL DEFAULT 0,
  amount_minor bigint NOT NULL GENERATED ALWAYS AS (unit_minor * quantity - discount_minor) STORED,
  recipient_id uuid,                            -- a gift's, when known at the time of the order
  CONSTRAINT order_line_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT order_line_discount CHECK (discount_minor BETWEEN 0 AND unit_minor * quantity),
  CONSTRAINT order_line_order FOREIGN KEY (community_id, order_id)
    REFERENCES orders (community_id, id),
  CONSTRAINT order_line_plan FOREIGN KEY (community_id, plan_id, product_id)
    REFERENCES plan (community_id, id, product_id),
  CONSTRAINT order_line_recipient FOREIGN KEY (community_id, recipient_id)
    REFERENCES member (community_id, id)
);
CREATE INDEX order_line_of_order ON order_line (community_id, order_id);

-- A way of paying that was opened at a provider (a prepay id, a checkout session).
CREATE TABLE payment_attempt (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  order_id uuid NOT NULL,
  provider text NOT NULL CONSTRAINT payment_attempt_provider
    CHECK (provider IN ('stripe', 'wechat_pay', 'alipay')),
  method text NOT NULL,                         -- native, jsapi, app, h5, page, wap, checkout
  provider_ref text,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  ended_at timestamptz,
  CONSTRAINT payment_attempt_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT payment_attempt_order FOREIGN KEY (community_id, order_id)
    REFERENCES orders (community_id, id)
);
CREATE INDEX payment_attempt_of_order ON payment_attempt (community_id, order_id);

-- Money that came in. Append-only; 'hand' is a payment that an operator received, with the
-- reference that proves it (a receipt's or a transfer's number).
CREATE TABLE payment (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  order_id uuid NOT NULL,
  provider text NOT NULL CONSTRAINT payment_provider
    CHECK (provider IN ('stripe', 'wechat_pay', 'alipay', 'hand')),
  provider_ref text NOT NULL CONSTRAINT payment_ref CHECK (length(provider_ref) BETWEEN 1 AND 200),
  amount_minor bigint NOT NULL CONSTRAINT payment_amount CHECK (amount_minor > 0),
  currency text NOT NULL,
  received_by uuid,
  reason text,
  paid_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT payment_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT payment_provider_ref UNIQUE (community_id, provider, provider_ref),
  CONSTRAINT payment_by_hand
    CHECK (provider <> 'hand' OR (received_by IS NOT NULL AND reason IS NOT NULL)),
  CONSTRAINT payment_order FOREIGN KEY (community_id, order_id, currency)
    REFERENCES orders (community_id, id, currency)
);
CREATE INDEX payment_of_order ON payment (community_id, order_id);

-- A refund that was asked for and is under way; once it happened it becomes a row of refund.
CREATE TABLE refund_request (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  payment_id uuid NOT NULL,
  amount_minor bigint NOT NULL CONSTRAINT refund_request_amount CHECK (amount_minor > 0),
  reason text NOT NULL,
  asked_by uuid NOT NULL,
  state text NOT NULL DEFAULT 'asked' CONSTRAINT refund_request_state
    CHECK (state IN ('asked', 'processing', 'done', 'failed')),
  provider_ref text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT refund_request_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT refund_request_payment FOREIGN KEY (community_id, payment_id)
    REFERENCES payment (community_id, id)
);

-- Money that went back. Append-only. orders_amounts keeps the sum within what was paid.
CREATE TABLE refund (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  payment_id uuid NOT NULL,
  provider text NOT NULL CONSTRAINT refund_provider
    CHECK (provider IN ('stripe', 'wechat_pay', 'alipay', 'hand')),
  provider_ref text NOT NULL CONSTRAINT refund_ref CHECK (length(provider_ref) BETWEEN 1 AND 200),
  amount_minor bigint NOT NULL CONSTRAINT refund_amount CHECK (amount_minor > 0),
  reason text,
  refunded_by uuid,
  refunded_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT refund_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT refund_provider_ref UNIQUE (community_id, provider, provider_ref),
  CONSTRAINT refund_payment FOREIGN KEY (community_id, payment_id)
    REFERENCES payment (community_id, id)
);
CREATE INDEX refund_of_payment ON refund (community_id, payment_id);

-- What a provider told us. Inserted before anything else is done: a duplicate is a no-op.
CREATE TABLE payment_event (
  community_id bigint NOT NULL,
  provider text NOT NULL,
  event_id text NOT NULL,
  kind text NOT NULL,
  sealed_body bytea NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  handled_at timestamptz,
  outcome text,
  CONSTRAINT payment_event_pkey PRIMARY KEY (community_id, provider, event_id)
);
CREATE INDEX payment_event_open ON payment_event (community_id, received_at)
  WHERE handled_at IS NULL;
