-- Everything between "I want in" and "I have been a member for two years": how plans are sold,
-- quotes, what an order is for, receipts, gifts, seats, disputes and the books. What these tables
-- hold is moved by the functions of 0014.

-- How a plan is sold. Its terms stay as they are; when and to whom it shows may change.
ALTER TABLE plan
  ADD tier int NOT NULL DEFAULT 0 CONSTRAINT plan_tier CHECK (tier BETWEEN 0 AND 1000),
  ADD buyers text NOT NULL DEFAULT 'anyone'
    CONSTRAINT plan_buyers CHECK (buyers IN ('anyone', 'new', 'returning', 'active')),
  ADD open_amount boolean NOT NULL DEFAULT false,  -- who pays names it: the price or more
  ADD visibility text NOT NULL DEFAULT 'public'
    CONSTRAINT plan_visibility CHECK (visibility IN ('public', 'members', 'hidden')),
  ADD sale_from timestamptz,
  ADD sale_until timestamptz,
  ADD CONSTRAINT plan_sale CHECK (sale_until > sale_from);
GRANT UPDATE (visibility, sale_from, sale_until) ON plan TO lyceum_server;

-- What a plan costs in other currencies than its own.
CREATE TABLE plan_price (
  community_id bigint NOT NULL,
  plan_id uuid NOT NULL,
  currency text NOT NULL CONSTRAINT plan_price_currency CHECK (currency ~ '^[A-Z]{3}$'),
  price_minor bigint NOT NULL CONSTRAINT plan_price_amount CHECK (price_minor >= 0),
  CONSTRAINT plan_price_pkey PRIMARY KEY (community_id, plan_id, currency),
  CONSTRAINT plan_price_plan FOREIGN KEY (community_id, plan_id) REFERENCES plan (community_id, id)
);
GRANT SELECT, INSERT ON plan_price TO lyceum_server;

-- How a community sells. Without a row the defaults hold: read it with policy_of().
CREATE TABLE selling_policy (
  community_id bigint NOT NULL CONSTRAINT selling_policy_pkey PRIMARY KEY
    CONSTRAINT selling_policy_community REFERENCES community (id),
  order_minutes int NOT NULL DEFAULT 30         -- an order waits so long to be paid
    CONSTRAINT selling_policy_order CHECK (order_minutes BETWEEN 15 AND 43200),
  hand_days int NOT NULL DEFAULT 7              -- and so long for a transfer
    CONSTRAINT selling_policy_hand CHECK (hand_days BETWEEN 1 AND 60),
  renewal_days int NOT NULL DEFAULT 14          -- a renewal order opens so long before the end
    CONSTRAINT selling_policy_renewal CHECK (renewal_days BETWEEN 1 AND 60),
  notice_days int NOT NULL DEFAULT 5            -- and is announced so long before
    CONSTRAINT selling_policy_notice CHECK (notice_days BETWEEN 1 AND 30),
  -- Days after the due date on which who has not paid is reminded; after the last the order
  -- expires and the membership ends.
  dunning_days int[] NOT NULL DEFAULT '{0,3,7,14}'
    CONSTRAINT selling_policy_dunning CHECK (cardinality(dunning_days) BETWEEN 1 AND 10
      AND 0 <= ALL (dunning_days) AND 90 >= ALL (dunning_days)),
  pause_days int NOT NULL DEFAULT 180           -- the longest pause
    CONSTRAINT selling_policy_pause CHECK (pause_days BETWEEN 0 AND 366),
  gift_days int NOT NULL DEFAULT 180            -- a gift may be claimed so long
    CONSTRAINT selling_policy_gift CHECK (gift_days BETWEEN 1 AND 1096),
  winback_percent int NOT NULL DEFAULT 0        -- off the first period of who comes back
    CONSTRAINT selling_policy_winback CHECK (winback_percent BETWEEN 0 AND 100),
  winback_days int NOT NULL DEFAULT 30          -- after the end, and not before
    CONSTRAINT selling_policy_winback_days CHECK (winback_days BETWEEN 1 AND 366),
  quiet_from int NOT NULL DEFAULT 22,           -- hours in the community's zone in which nothing
  quiet_until int NOT NULL DEFAULT 8            -- is sent that can wait; equal: none
    CONSTRAINT selling_policy_quiet
    CHECK (quiet_from BETWEEN 0 AND 23 AND quiet_until BETWEEN 0 AND 23),
  version int NOT NULL DEFAULT 1
);
GRANT SELECT, INSERT, UPDATE ON selling_policy TO lyceum_server;

CREATE FUNCTION policy_of(community bigint) RETURNS selling_policy
LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT p FROM selling_policy p WHERE p.community_id = $1),
    ROW($1, 30, 7, 14, 5, '{0,3,7,14}', 180, 180, 0, 30, 22, 8, 0)::selling_policy)
$$;

-- What an order would be, kept so that the order is the same to the cent and the second.
CREATE TABLE quote (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  member_id uuid NOT NULL,
  request jsonb NOT NULL,
  terms jsonb NOT NULL,                         -- of quote_make()
  code_id uuid,
  made_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  CONSTRAINT quote_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT quote_short CHECK (expires_at > made_at),
  CONSTRAINT quote_member FOREIGN KEY (community_id, member_id) REFERENCES member (community_id, id)
);
CREATE INDEX quote_expiry ON quote (expires_at);
GRANT SELECT, INSERT, DELETE ON quote TO lyceum_server;

ALTER TABLE orders
  DROP CONSTRAINT orders_kind,
  ADD CONSTRAINT orders_kind CHECK (kind IN ('purchase', 'renewal', 'upgrade', 'gift', 'seats',
                                             'ticket', 'tip', 'by_hand')),
  ADD quote_id uuid,
  ADD quoted_at timestamptz,                    -- paid until quote_until, it counts from here
  ADD quote_until timestamptz,
  ADD code_id uuid,                             -- the discount
  ADD settled_at timestamptz,                   -- paid in full, and given what it bought
  -- Of what was paid, so much counted as part of an upgrade's price: it can't be refunded as well.
  ADD credited_minor bigint NOT NULL DEFAULT 0,
  ADD disputed_at timestamptz,
  ADD reminded int NOT NULL DEFAULT 0,          -- steps of the dunning ladder that were taken
  ADD announced_at timestamptz,                 -- the notice before a renewal
  DROP CONSTRAINT orders_amounts,
  ADD CONSTRAINT orders_amounts CHECK (0 <= refunded_minor AND 0 <= credited_minor
    AND refunded_minor + credited_minor <= paid_minor AND paid_minor <= total_minor),
  DROP CONSTRAINT orders_closed_unpaid,         -- what was paid in part goes back
  ADD CONSTRAINT orders_quote UNIQUE (community_id, quote_id),
  ADD CONSTRAINT orders_settled CHECK (settled_at IS NULL
    OR (paid_minor = total_minor AND closed_at IS NULL));

CREATE INDEX orders_expiry ON orders (expires_at)
  WHERE closed_at IS NULL AND settled_at IS NULL AND disputed_at IS NULL;

ALTER TABLE order_line
  DROP COLUMN amount_minor,
  ADD credit_minor bigint NOT NULL DEFAULT 0,   -- what is left of what was paid before
  ADD spare_minor bigint NOT NULL DEFAULT 0     -- and what of it became time beyond the period
    CONSTRAINT order_line_spare CHECK (spare_minor >= 0),
  ADD lost_minor bigint NOT NULL DEFAULT 0      -- of both: what a lost dispute took away again
    CONSTRAINT order_line_lost CHECK (lost_minor >= 0),
  ADD amount_minor bigint NOT NULL
    GENERATED ALWAYS AS (unit_minor * quantity - discount_minor - credit_minor) STORED,
  ADD starts_at timestamptz,                    -- as quoted
  ADD ends_at timestamptz,
  ADD trial boolean NOT NULL DEFAULT false,
  ADD lecture_id uuid,                          -- a ticket's
  ADD lecturer_id uuid,                         -- a tip's
  ADD note text CONSTRAINT order_line_note CHECK (length(note) <= 500),
  DROP CONSTRAINT order_line_discount,
  ADD CONSTRAINT order_line_discount CHECK (discount_minor >= 0 AND credit_minor >= 0
    AND discount_minor + credit_minor <= unit_minor * quantity),
  ADD CONSTRAINT order_line_span CHECK (ends_at > starts_at),
  ADD CONSTRAINT order_line_lecture FOREIGN KEY (community_id, lecture_id)
    REFERENCES lecture (community_id, id),
  ADD CONSTRAINT order_line_lecturer FOREIGN KEY (community_id, lecturer_id)
    REFERENCES lecturer (community_id, id);

CREATE INDEX order_line_of_lecture ON order_line (community_id, lecture_id)
  WHERE lecture_id IS NOT NULL;

-- The day of the month on which periods begin: a short month does not move it for good. And a
-- discount that goes on.
ALTER TABLE membership
  ADD anchor_day smallint CONSTRAINT membership_anchor CHECK (anchor_day BETWEEN 1 AND 31),
  ADD currency text CONSTRAINT membership_currency CHECK (currency ~ '^[A-Z]{3}$'),
  ADD code_id uuid;

-- PostgreSQL 17 gives a table no column with a default while a function uses its row type: they go,
-- and come back as they were.
DROP VIEW code_shown;
DROP FUNCTION code_status(invite_code, timestamptz);
ALTER TABLE invite_code
  ADD forever boolean NOT NULL DEFAULT false,   -- a discount for each period, not only the first
  ADD minimum_minor bigint CONSTRAINT invite_code_minimum CHECK (minimum_minor > 0);
CREATE FUNCTION code_status(code invite_code, at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
  WHEN (code).revoked_at <= at THEN 'revoked'
  WHEN (code).valid_from > at THEN 'not_yet_valid'
  WHEN (code).valid_until <= at THEN 'expired'
  WHEN (code).used + (code).held >= (code).max_uses THEN 'sold_out'
  ELSE 'live' END;
CREATE VIEW code_shown AS
SELECT c.community_id, c.id, c.hint, c.machine AS machine_made,
  CASE
    WHEN c.revoked_at <= now() THEN 'revoked'
    WHEN k.valid_from > now() THEN 'not_yet_valid'
    WHEN k.ended_at <= now() OR k.valid_until <= now() THEN 'expired'
    ELSE code_status(c, now()) END AS status,
  c.effect, c.product_id, c.plan_id, c.days, c.percent::int AS percent, c.discount_minor,
  c.max_uses, c.used, c.held, c.valid_from, c.valid_until, c.reserved_subject AS reserved_for,
  c.campaign_id, c.batch_id, c.created_by, c.created_at, c.revoked_at, c.sealed, c.digest
FROM invite_code c
LEFT JOIN campaign k ON k.community_id = c.community_id AND k.id = c.campaign_id;
GRANT SELECT ON code_shown TO lyceum_server;

-- Ways to pay. `test` is the one that is built in for demonstrations.
ALTER TABLE payment_attempt
  DROP CONSTRAINT payment_attempt_provider,
  ADD CONSTRAINT payment_attempt_provider
    CHECK (provider IN ('stripe', 'wechat_pay', 'alipay', 'apple', 'hand', 'test')),
  ADD state text NOT NULL DEFAULT 'open' CONSTRAINT payment_attempt_state
    CHECK (state IN ('open', 'paid', 'failed', 'closed')),
  ADD amount_minor bigint NOT NULL DEFAULT 0,
  ADD currency text,
  ADD pay_url text,
  ADD note text;
CREATE UNIQUE INDEX payment_attempt_ref ON payment_attempt (community_id, provider, provider_ref)
  WHERE provider_ref IS NOT NULL;

-- `surplus`: money that came for an order that was paid or closed by then. It buys nothing and goes
-- back, but it did come in, so it stands in the books.
ALTER TABLE payment
  DROP CONSTRAINT payment_provider,
  ADD CONSTRAINT payment_provider
    CHECK (provider IN ('stripe', 'wechat_pay', 'alipay', 'apple', 'hand', 'test')),
  ADD surplus boolean NOT NULL DEFAULT false,
  ADD fee_minor bigint NOT NULL DEFAULT 0
    CONSTRAINT payment_fee CHECK (fee_minor BETWEEN 0 AND amount_minor),
  ADD evidence_url text CONSTRAINT payment_evidence CHECK (length(evidence_url) <= 500);

ALTER TABLE refund
  DROP CONSTRAINT refund_provider,
  ADD CONSTRAINT refund_provider
    CHECK (provider IN ('stripe', 'wechat_pay', 'alipay', 'apple', 'hand', 'test')),
  ADD request_id uuid;

-- `keeps`: the member keeps what was paid for. asked_by is null when the house asks (surplus).
ALTER TABLE refund_request
  ALTER asked_by DROP NOT NULL,
  ADD keeps boolean NOT NULL DEFAULT false,
  ADD surplus boolean NOT NULL DEFAULT false,
  ADD tries int NOT NULL DEFAULT 0,
  ADD next_try_at timestamptz NOT NULL DEFAULT now(),
  ADD finished_at timestamptz,
  ADD error text;
CREATE INDEX refund_request_open ON refund_request (community_id, next_try_at)
  WHERE state IN ('asked', 'processing');
CREATE INDEX refund_request_of_payment ON refund_request (community_id, payment_id);

-- A payer who takes their money back through their bank. While it is open what the payment bought
-- is taken out of force; lost, it is revoked; won, the rest comes back in full.
CREATE TABLE dispute (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  payment_id uuid NOT NULL,
  provider_ref text NOT NULL CONSTRAINT dispute_ref CHECK (length(provider_ref) BETWEEN 1 AND 200),
  amount_minor bigint NOT NULL CONSTRAINT dispute_amount CHECK (amount_minor > 0),
  reason text,
  state text NOT NULL DEFAULT 'open'
    CONSTRAINT dispute_state CHECK (state IN ('open', 'won', 'lost')),
  opened_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  CONSTRAINT dispute_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT dispute_provider_ref UNIQUE (community_id, payment_id, provider_ref),
  CONSTRAINT dispute_ended CHECK ((state = 'open') = (ended_at IS NULL)),
  CONSTRAINT dispute_payment FOREIGN KEY (community_id, payment_id)
    REFERENCES payment (community_id, id)
);
GRANT SELECT, INSERT, UPDATE ON dispute TO lyceum_server;

-- What an upgrade's price took into account of an order before it: in all, and of that order's own
-- money (the rest was credited to it by one before). When that money is taken back by the payer's
-- bank, the upgrade loses what it paid for.
CREATE TABLE order_credit (
  community_id bigint NOT NULL,
  order_id uuid NOT NULL,
  to_order_id uuid NOT NULL,
  credit_minor bigint NOT NULL,
  own_minor bigint NOT NULL,
  CONSTRAINT order_credit_pkey PRIMARY KEY (community_id, order_id, to_order_id),
  CONSTRAINT order_credit_amounts CHECK (0 <= own_minor AND own_minor <= credit_minor),
  CONSTRAINT order_credit_from FOREIGN KEY (community_id, order_id)
    REFERENCES orders (community_id, id),
  CONSTRAINT order_credit_to FOREIGN KEY (community_id, to_order_id)
    REFERENCES orders (community_id, id)
);
CREATE INDEX order_credit_before ON order_credit (community_id, to_order_id);
GRANT SELECT, INSERT, UPDATE ON order_credit TO lyceum_server;

-- What remained of another span: moved in time by a pause, an upgrade or a dispute, or to another
-- person with a seat. Its own row, so that what was stays as it was.
ALTER TABLE entitlement
  DROP CONSTRAINT entitlement_source,
  ADD CONSTRAINT entitlement_source CHECK (CASE source
    WHEN 'code' THEN redemption_id IS NOT NULL AND order_line_id IS NULL
    WHEN 'order' THEN order_line_id IS NOT NULL AND unit IS NOT NULL AND unit >= 1
                      AND redemption_id IS NULL
    WHEN 'gift' THEN given_by IS NOT NULL AND given_by <> member_id AND redemption_id IS NULL
    WHEN 'comp' THEN granted_by IS NOT NULL AND reason IS NOT NULL AND redemption_id IS NULL
    WHEN 'compensation' THEN granted_by IS NOT NULL AND reason IS NOT NULL AND redemption_id IS NULL
    WHEN 'trial' THEN order_line_id IS NULL
    WHEN 'referral' THEN referred_id IS NOT NULL AND referred_id <> member_id
                         AND redemption_id IS NULL
    WHEN 'carried' THEN order_line_id IS NULL AND redemption_id IS NULL
    ELSE false END);
CREATE TABLE carry (
  community_id bigint NOT NULL,
  member_id uuid NOT NULL,
  entitlement_id uuid NOT NULL,
  from_member_id uuid NOT NULL,
  from_id uuid NOT NULL,
  CONSTRAINT carry_pkey PRIMARY KEY (community_id, member_id, entitlement_id),
  CONSTRAINT carry_later CHECK (from_id < entitlement_id),  -- no circle: see member.referred_by
  CONSTRAINT carry_entitlement FOREIGN KEY (community_id, member_id, entitlement_id)
    REFERENCES entitlement (community_id, member_id, id),
  CONSTRAINT carry_from FOREIGN KEY (community_id, from_member_id, from_id)
    REFERENCES entitlement (community_id, member_id, id)
);
CREATE INDEX carry_root ON carry (community_id, from_member_id, from_id);
GRANT SELECT, INSERT ON carry TO lyceum_server;

-- A gift waits for whoever has its link, which auth makes from the id. How long it may be claimed,
-- and how long what it gives lasts, are two things.
CREATE TABLE gift (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  order_line_id uuid NOT NULL,
  unit int NOT NULL,
  giver_id uuid NOT NULL,
  message text CONSTRAINT gift_message CHECK (length(message) <= 500),
  claim_until timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  claimed_by uuid,
  claimed_at timestamptz,
  entitlement_id uuid,
  withdrawn_at timestamptz,                     -- the order was refunded
  CONSTRAINT gift_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT gift_unit UNIQUE (community_id, order_line_id, unit),
  CONSTRAINT gift_claimed CHECK (num_nulls(claimed_by, claimed_at, entitlement_id) IN (0, 3)),
  CONSTRAINT gift_not_to_oneself CHECK (claimed_by <> giver_id),
  CONSTRAINT gift_line FOREIGN KEY (community_id, order_line_id)
    REFERENCES order_line (community_id, id),
  CONSTRAINT gift_giver FOREIGN KEY (community_id, giver_id) REFERENCES member (community_id, id),
  CONSTRAINT gift_span FOREIGN KEY (community_id, claimed_by, entitlement_id)
    REFERENCES entitlement (community_id, member_id, id)
);
CREATE INDEX gift_of_giver ON gift (community_id, giver_id, created_at, id);
GRANT SELECT, INSERT, UPDATE ON gift TO lyceum_server;

-- A seat of a group: paid for by its owner, held by one member at a time, for what is left of it.
CREATE TABLE group_seat (
  community_id bigint NOT NULL,
  id uuid NOT NULL DEFAULT uuid7(),
  order_line_id uuid NOT NULL,
  unit int NOT NULL CONSTRAINT group_seat_number CHECK (unit >= 1),
  owner_id uuid NOT NULL,
  product_id uuid NOT NULL,
  plan_id uuid NOT NULL,
  span tstzrange NOT NULL,
  grace_days int NOT NULL DEFAULT 0,
  member_id uuid,
  entitlement_id uuid,                          -- the span that the member has of it
  assigned_at timestamptz,
  from_member_id uuid,                          -- who had it last, and the span they had
  from_id uuid,
  revoked_at timestamptz,
  version int NOT NULL DEFAULT 1,
  CONSTRAINT group_seat_pkey PRIMARY KEY (community_id, order_line_id, unit),
  CONSTRAINT group_seat_id UNIQUE (community_id, id),
  CONSTRAINT group_seat_assigned
    CHECK (num_nulls(member_id, entitlement_id, assigned_at) IN (0, 3)),
  CONSTRAINT group_seat_line FOREIGN KEY (community_id, order_line_id)
    REFERENCES order_line (community_id, id),
  CONSTRAINT group_seat_owner FOREIGN KEY (community_id, owner_id)
    REFERENCES member (community_id, id),
  CONSTRAINT group_seat_span FOREIGN KEY (community_id, member_id, entitlement_id)
    REFERENCES entitlement (community_id, member_id, id)
);
CREATE INDEX group_seat_of_owner ON group_seat (community_id, owner_id);
CREATE UNIQUE INDEX group_seat_one_each ON group_seat (community_id, order_line_id, member_id)
  WHERE member_id IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON group_seat TO lyceum_server;

-- Receipts are numbered without gaps: the number is taken under the lock of its year's row, in the
-- transaction that writes the receipt.
CREATE TABLE receipt_year (
  community_id bigint NOT NULL CONSTRAINT receipt_year_community REFERENCES community (id),
  year int NOT NULL CONSTRAINT receipt_year_form CHECK (year BETWEEN 2000 AND 2299),
  last int NOT NULL CONSTRAINT receipt_year_last CHECK (last >= 1),
  CONSTRAINT receipt_year_pkey PRIMARY KEY (community_id, year)
);
GRANT SELECT, INSERT, UPDATE ON receipt_year TO lyceum_server;
CREATE TABLE receipt (
  community_id bigint NOT NULL,
  year int NOT NULL,
  number int NOT NULL CONSTRAINT receipt_number CHECK (number >= 1),
  order_id uuid NOT NULL,
  issued_at timestamptz NOT NULL DEFAULT now(),
  total_minor bigint NOT NULL,
  currency text NOT NULL,
  CONSTRAINT receipt_pkey PRIMARY KEY (community_id, year, number),
  CONSTRAINT receipt_once UNIQUE (community_id, order_id),
  CONSTRAINT receipt_order FOREIGN KEY (community_id, order_id, currency)
    REFERENCES orders (community_id, id, currency)
);
GRANT SELECT, INSERT ON receipt TO lyceum_server;

-- Who wants an invoice for tax (发票): to whom it is made out, and what became of it.
CREATE TABLE invoice_request (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  order_id uuid NOT NULL,
  member_id uuid NOT NULL,
  kind text NOT NULL CONSTRAINT invoice_request_kind CHECK (kind IN ('personal', 'company')),
  sealed bytea,                                 -- title, tax number, e-mail: the server has the key
  erased_at timestamptz,                        -- whoever asked was erased
  state text NOT NULL DEFAULT 'asked'
    CONSTRAINT invoice_request_state CHECK (state IN ('asked', 'issued', 'refused', 'withdrawn')),
  number text CONSTRAINT invoice_request_number CHECK (length(number) BETWEEN 1 AND 64),
  reason text CONSTRAINT invoice_request_reason CHECK (length(reason) <= 500),
  created_at timestamptz NOT NULL DEFAULT now(),
  decided_at timestamptz,
  decided_by uuid,
  version int NOT NULL DEFAULT 1,
  CONSTRAINT invoice_request_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT invoice_request_whom CHECK (num_nonnulls(sealed, erased_at) = 1),
  CONSTRAINT invoice_request_issued CHECK (state <> 'issued' OR number IS NOT NULL),
  CONSTRAINT invoice_request_refused CHECK (state <> 'refused' OR reason IS NOT NULL),
  CONSTRAINT invoice_request_order FOREIGN KEY (community_id, order_id)
    REFERENCES orders (community_id, id)
);
CREATE UNIQUE INDEX invoice_request_open ON invoice_request (community_id, order_id)
  WHERE state IN ('asked', 'issued');
CREATE INDEX invoice_request_created ON invoice_request (community_id, created_at, id);
GRANT SELECT, INSERT, UPDATE ON invoice_request TO lyceum_server;

-- The books: each row moves an amount from one account to another, so they add up by themselves.
--   order paid       owed -> sales           what was agreed
--   payment          money -> owed           it came in (surplus: money -> returnable)
--   fee              fees -> money           the provider kept it
--   refund           sales -> money          (of a surplus: returnable -> money; of an order that
--                                            was never paid in full: owed -> money)
--   lost dispute     sales -> money
-- Read "debit -> credit": the first grows, the second falls (or grows, on the other side).
CREATE TABLE ledger (
  community_id bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  id uuid NOT NULL,
  event text NOT NULL CONSTRAINT ledger_event
    CHECK (event IN ('sale', 'payment', 'fee', 'refund', 'dispute')),
  debit text NOT NULL CONSTRAINT ledger_debit
    CHECK (debit IN ('owed', 'money', 'fees', 'sales', 'returnable')),
  credit text NOT NULL CONSTRAINT ledger_credit
    CHECK (credit IN ('owed', 'money', 'fees', 'sales', 'returnable')),
  amount_minor bigint NOT NULL CONSTRAINT ledger_amount CHECK (amount_minor > 0),
  currency text NOT NULL,
  provider text,
  order_id uuid NOT NULL,
  payment_id uuid,
  refund_id uuid,
  CONSTRAINT ledger_pkey PRIMARY KEY (community_id, at, id),
  CONSTRAINT ledger_two CHECK (debit <> credit),
  CONSTRAINT ledger_order FOREIGN KEY (community_id, order_id, currency)
    REFERENCES orders (community_id, id, currency)
);
CREATE INDEX ledger_of_order ON ledger (community_id, order_id);
GRANT SELECT, INSERT ON ledger TO lyceum_server;

-- How each way of paying is set up, sealed under the server's key.
CREATE TABLE gateway_setting (
  community_id bigint NOT NULL CONSTRAINT gateway_setting_community REFERENCES community (id),
  provider text NOT NULL CONSTRAINT gateway_setting_provider
    CHECK (provider IN ('stripe', 'wechat_pay', 'alipay', 'apple', 'hand', 'test')),
  enabled boolean NOT NULL DEFAULT true,
  shown jsonb NOT NULL DEFAULT '{}',            -- what payers may see: an account to transfer to
  sealed bytea,                                 -- keys
  hint text,
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by uuid,
  version int NOT NULL DEFAULT 1,
  CONSTRAINT gateway_setting_pkey PRIMARY KEY (community_id, provider)
);
GRANT SELECT, INSERT, UPDATE ON gateway_setting TO lyceum_server;
