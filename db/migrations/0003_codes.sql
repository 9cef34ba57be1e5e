-- Invite codes, their redemption, and the entitlements that come of them and of everything else.
-- The redeem path is the busiest writer of the house: what stands on invite_code, redemption and
-- entitlement was weighed row by row.

CREATE TABLE campaign (
  community_id bigint NOT NULL CONSTRAINT campaign_community REFERENCES community (id),
  id uuid NOT NULL,
  name text NOT NULL CONSTRAINT campaign_name CHECK (length(name) BETWEEN 1 AND 120),
  source text CONSTRAINT campaign_source CHECK (length(source) <= 120),
  quota int CONSTRAINT campaign_quota CHECK (quota >= 0),  -- codes it may give out
  valid_from timestamptz,
  valid_until timestamptz,
  once_per_member boolean NOT NULL DEFAULT false,
  free_claim jsonb,                             -- who may fetch a code without being given one
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  version int NOT NULL DEFAULT 1,
  CONSTRAINT campaign_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT campaign_window CHECK (valid_until > valid_from)
);
CREATE INDEX campaign_created ON campaign (community_id, created_at, id);

-- Machine codes are minted by the batch, by a job: all of a batch have the batch's terms.
CREATE TABLE code_batch (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  job_id uuid,
  campaign_id uuid,
  count int NOT NULL CONSTRAINT code_batch_count CHECK (count BETWEEN 1 AND 10000000),
  effect text NOT NULL,
  product_id uuid NOT NULL,
  plan_id uuid NOT NULL,
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT code_batch_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT code_batch_campaign FOREIGN KEY (community_id, campaign_id)
    REFERENCES campaign (community_id, id),
  CONSTRAINT code_batch_plan FOREIGN KEY (community_id, plan_id, product_id)
    REFERENCES plan (community_id, id, product_id)
);

CREATE TABLE invite_code (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  digest bytea NOT NULL CONSTRAINT invite_code_digest_size CHECK (octet_length(digest) = 32),
  sealed bytea,                                 -- to show it to an operator again
  hint text NOT NULL CONSTRAINT invite_code_hint CHECK (length(hint) <= 16),
  machine boolean NOT NULL DEFAULT true,        -- made by us, recognised by its form
  batch_id uuid,
  campaign_id uuid,
  effect text NOT NULL
    CONSTRAINT invite_code_effect CHECK (effect IN ('days', 'discount', 'trial')),
  product_id uuid NOT NULL,
  plan_id uuid NOT NULL,
  days int CONSTRAINT invite_code_days CHECK (days BETWEEN 1 AND 36600),
  percent smallint CONSTRAINT invite_code_percent CHECK (percent BETWEEN 1 AND 100),
  discount_minor bigint CONSTRAINT invite_code_discount CHECK (discount_minor > 0),
  max_uses int NOT NULL DEFAULT 1 CONSTRAINT invite_code_max_uses
    CHECK (max_uses BETWEEN 1 AND 100000000),
  used int NOT NULL DEFAULT 0,
  held int NOT NULL DEFAULT 0 CONSTRAINT invite_code_held CHECK (held >= 0),  -- live code_holds
  valid_from timestamptz,
  valid_until timestamptz,
  reserved_provider text
    CONSTRAINT invite_code_reserved_provider CHECK (reserved_provider IN ('email', 'phone')),
  reserved_subject text,
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  -- Foreign keys for codes made one by one. A batch's codes take plan and campaign from their
  -- batch, whose row is checked once: a million checks would cost more than the minting.
  own_plan_id uuid GENERATED ALWAYS AS (CASE WHEN batch_id IS NULL THEN plan_id END) STORED,
  own_campaign_id uuid GENERATED ALWAYS AS (CASE WHEN batch_id IS NULL THEN campaign_id END) STORED,
  CONSTRAINT invite_code_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT invite_code_digest UNIQUE (community_id, digest),
  -- Never oversold: taken for good and held for a payment, together within the cap.
  CONSTRAINT invite_code_used CHECK (used BETWEEN 0 AND max_uses - held),
  CONSTRAINT invite_code_window CHECK (valid_until > valid_from),
  CONSTRAINT invite_code_reserved
    CHECK ((reserved_provider IS NULL) = (reserved_subject IS NULL)
           AND (reserved_provider IS NULL OR max_uses = 1)),
  CONSTRAINT invite_code_terms CHECK (CASE effect
    WHEN 'discount' THEN days IS NULL AND num_nonnulls(percent, discount_minor) = 1
    ELSE days IS NOT NULL AND percent IS NULL AND discount_minor IS NULL END),
  CONSTRAINT invite_code_plan FOREIGN KEY (community_id, own_plan_id, product_id)
    REFERENCES plan (community_id, id, product_id),
  CONSTRAINT invite_code_campaign FOREIGN KEY (community_id, own_campaign_id)
    REFERENCES campaign (community_id, id)
) WITH (fillfactor = 90);  -- room for `used` to grow in place: no index holds it
CREATE INDEX invite_code_of_batch ON invite_code (community_id, batch_id, id)
  WHERE batch_id IS NOT NULL;
CREATE INDEX invite_code_of_campaign ON invite_code (community_id, campaign_id, id)
  WHERE campaign_id IS NOT NULL AND batch_id IS NULL;
CREATE INDEX invite_code_of_contact 
  ON invite_code (community_id, reserved_provider, reserved_subject)
  WHERE reserved_subject IS NOT NULL;

-- live, or the first reason why not. Reservation and the member's own uses are the statement's.
CREATE FUNCTION code_status(code invite_code, at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
  WHEN (code).revoked_at <= at THEN 'revoked'
  WHEN (code).valid_from > at THEN 'not_yet_valid'
  WHEN (code).valid_until <= at THEN 'expired'
  WHEN (code).used + (code).held >= (code).max_uses THEN 'sold_out'
  ELSE 'live' END;

-- A use of a code that waits for a payment. It counts in invite_code.held until it is released
-- (expired, failed) or becomes a redemption.
CREATE TABLE code_hold (
  community_id bigint NOT NULL,
  id uuid NOT NULL,
  code_id uuid NOT NULL,
  member_id uuid NOT NULL,
  order_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  ended_how text CONSTRAINT code_hold_ended_how CHECK (ended_how IN ('redeemed', 'released')),
  CONSTRAINT code_hold_pkey PRIMARY KEY (community_id, id),
  CONSTRAINT code_hold_ended CHECK ((ended_at IS NULL) = (ended_how IS NULL)),
  CONSTRAINT code_hold_code FOREIGN KEY (community_id, code_id)
    REFERENCES invite_code (community_id, id),
  CONSTRAINT code_hold_order FOREIGN KEY (community_id, order_id)
    REFERENCES orders (community_id, id)
);
CREATE UNIQUE INDEX code_hold_once ON code_hold (community_id, code_id, member_id)
  WHERE ended_at IS NULL;
CREATE INDEX code_hold_open ON code_hold (community_id, expires_at) WHERE ended_at IS NULL;

-- One live use of a code by a member. The member comes first in the key: it is also the list of
-- a member's redemptions, and what an entitlement refers to.
CREATE TABLE redemption (
  community_id bigint NOT NULL,
  member_id uuid NOT NULL,
  id uuid NOT NULL,
  code_id uuid NOT NULL,
  once_campaign_id uuid,                        -- set when the campaign allows each member one
  order_id uuid,                                -- a discount's
  redeemed_at timestamptz NOT NULL DEFAULT now(),
  released_at timestamptz,                      -- given back: a refund, a void
  CONSTRAINT redemption_pkey PRIMARY KEY (community_id, member_id, id),
  CONSTRAINT redemption_member FOREIGN KEY (community_id, member_id)
    REFERENCES member (community_id, id),
  CONSTRAINT redemption_code FOREIGN KEY (community_id, code_id)
    REFERENCES invite_code (community_id, id),
  CONSTRAINT redemption_order FOREIGN KEY (community_id, order_id)
    REFERENCES orders (community_id, id)
);
CREATE UNIQUE INDEX redemption_once ON redemption (community_id, code_id, member_id)
  WHERE released_at IS NULL;
CREATE UNIQUE INDEX redemption_once_in_campaign
  ON redemption (community_id, once_campaign_id, member_id)
  WHERE once_campaign_id IS NOT NULL AND released_at IS NULL;

-- A span of time in which a member has a product. Everything that was bought, given or redeemed
-- ends up here, and whether a membership is active is read from here alone.
CREATE TABLE entitlement (
  community_id bigint NOT NULL,
  member_id uuid NOT NULL,
  id uuid NOT NULL,
  product_id uuid NOT NULL,
  -- No foreign key: plan and product are copied from a code, an order line or a plan, which have
  -- one, in the statement that inserts; and plans are never deleted.
  plan_id uuid NOT NULL,
  span tstzrange NOT NULL,
  grace_days int NOT NULL DEFAULT 0 CONSTRAINT entitlement_grace
    CHECK (grace_days BETWEEN 0 AND 366),
  source text NOT NULL,
  redemption_id uuid,
  order_line_id uuid,
  unit int,                                     -- which of the order line's quantity
  given_by uuid,                                -- a gift's giver
  granted_by uuid,                              -- the operator
  referred_id uuid,                             -- whose joining is rewarded
  reason text,
  created_at timestamptz NOT NULL DEFAULT now(),
  voided_at timestamptz,
  voided_by uuid,
  void_reason text,
  -- A redemption's foreign key vouches for its member; only the others are checked directly.
  checked_member_id uuid
    GENERATED ALWAYS AS (CASE WHEN redemption_id IS NULL THEN member_id END) STORED,
  CONSTRAINT entitlement_pkey PRIMARY KEY (community_id, member_id, id),
  CONSTRAINT entitlement_member FOREIGN KEY (community_id, checked_member_id)
    REFERENCES member (community_id, id),
  CONSTRAINT entitlement_redemption FOREIGN KEY (community_id, member_id, redemption_id)
    REFERENCES redemption (community_id, member_id, id),
  CONSTRAINT entitlement_order_line FOREIGN KEY (community_id, order_line_id)
    REFERENCES order_line (community_id, id),
  -- A redemption's entitlement has its id: the primary key keeps a code from granting twice.
  CONSTRAINT entitlement_redemption_once CHECK (redemption_id = id),
  -- Bounded on both sides (lifetime is a far date), so that whatever is given also ends.
  CONSTRAINT entitlement_span CHECK (
    NOT isempty(span) AND NOT lower_inf(span) AND NOT upper_inf(span)
    AND lower_inc(span) AND NOT upper_inc(span)
    AND lower(span) >= '2000-01-01Z' AND upper(span) < '2300-01-01Z'),
  CONSTRAINT entitlement_source CHECK (CASE source
    WHEN 'code' THEN redemption_id IS NOT NULL AND order_line_id IS NULL
    WHEN 'order' THEN order_line_id IS NOT NULL AND unit IS NOT NULL AND unit >= 1
                      AND redemption_id IS NULL
    WHEN 'gift' THEN given_by IS NOT NULL AND given_by <> member_id AND redemption_id IS NULL
    WHEN 'comp' THEN granted_by IS NOT NULL AND reason IS NOT NULL AND redemption_id IS NULL
    WHEN 'compensation' THEN granted_by IS NOT NULL AND reason IS NOT NULL AND redemption_id IS NULL
    WHEN 'trial' THEN order_line_id IS NULL
    WHEN 'referral' THEN referred_id IS NOT NULL AND referred_id <> member_id
                         AND redemption_id IS NULL
    ELSE false END),
  CONSTRAINT entitlement_voided CHECK ((voided_at IS NULL) = (void_reason IS NULL)),
  -- No two live spans of one member and product overlap. The member stands first: it is what
  -- tells rows apart, and GiST weighs columns from the left. The predicate says `void_reason`,
  -- which entitlement_voided makes the same as `voided_at`, on purpose: else the planner would
  -- take this index for reading, where a B-tree is many times faster.
  CONSTRAINT entitlement_no_overlap EXCLUDE USING gist
    (member_id WITH =, span WITH &&, product_id WITH =, community_id WITH =)
    WHERE (void_reason IS NULL)
);
-- Readers say `voided_at IS NULL`. "Append at the last upper bound" reads one row, however many
-- spans a member has gathered.
CREATE INDEX entitlement_last ON entitlement (community_id, member_id, product_id, upper(span))
  WHERE voided_at IS NULL;
CREATE UNIQUE INDEX entitlement_line_once ON entitlement (community_id, order_line_id, unit)
  WHERE order_line_id IS NOT NULL AND voided_at IS NULL;
CREATE UNIQUE INDEX entitlement_trial_once ON entitlement (community_id, member_id, product_id)
  WHERE source = 'trial';
CREATE UNIQUE INDEX entitlement_referral_once ON entitlement (community_id, member_id, referred_id)
  WHERE source = 'referral' AND voided_at IS NULL;

-- The spans that let a member in at a moment: in force, or ended and within grace. This and
-- entitled() are the only places that decide it. Both are inlined when used in FROM:
--   EXISTS (SELECT FROM entitled($1, member_id, now()))
-- The last condition says nothing new (grace is 366 days at most); it lets the index skip the past.
CREATE FUNCTION entitled_to(community bigint, member uuid, product uuid, at timestamptz)
RETURNS TABLE (entitlement_id uuid, product_id uuid, plan_id uuid, source text, span tstzrange,
               until timestamptz, in_grace boolean)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT e.id, e.product_id, e.plan_id, e.source, e.span,
         upper(e.span) + make_interval(hours => 24 * e.grace_days), upper(e.span) <= $4
  FROM entitlement e
  WHERE e.community_id = $1 AND e.member_id = $2 AND e.product_id = $3 AND e.voided_at IS NULL
    AND lower(e.span) <= $4 AND upper(e.span) + make_interval(hours => 24 * e.grace_days) > $4
    AND upper(e.span) > $4 - interval '8784 hours'
$$;

-- The same over all products that are memberships: is this member's membership active?
CREATE FUNCTION entitled(community bigint, member uuid, at timestamptz)
RETURNS TABLE (entitlement_id uuid, product_id uuid, plan_id uuid, source text, span tstzrange,
               until timestamptz, in_grace boolean)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT e.id, e.product_id, e.plan_id, e.source, e.span,
         upper(e.span) + make_interval(hours => 24 * e.grace_days), upper(e.span) <= $3
  FROM entitlement e
  JOIN product p ON p.community_id = e.community_id AND p.id = e.product_id
  WHERE e.community_id = $1 AND e.member_id = $2 AND e.voided_at IS NULL
    AND p.kind = 'membership'
    AND lower(e.span) <= $3 AND upper(e.span) + make_interval(hours => 24 * e.grace_days) > $3
    AND upper(e.span) > $3 - interval '8784 hours'
$$;

-- What a membership is called at a moment; always one row. `until` is the moment to which the
-- answer holds, as far as is known now: the end of the unbroken run of spans, of grace, or of a
-- pause.
--   active, trialing, cancelled_at_period_end, grace  let in (entitled_to has a row)
--   paused, past_due, upcoming, expired, none         don't
CREATE FUNCTION membership_status(community bigint, member uuid, product uuid, at timestamptz)
RETURNS TABLE (status text, until timestamptz, plan_id uuid, entitlement_id uuid, source text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  WITH live AS (
    SELECT e.* FROM entitlement e
    WHERE e.community_id = $1 AND e.member_id = $2 AND e.product_id = $3 AND e.voided_at IS NULL
  ), standing AS (
    SELECT m.* FROM membership m
    WHERE m.community_id = $1 AND m.member_id = $2 AND m.product_id = $3 AND m.ended_at IS NULL
  ), now_in AS (
    SELECT g.*, l.created_at FROM entitled_to($1, $2, $3, $4) g
    JOIN live l ON l.id = g.entitlement_id
    ORDER BY g.in_grace, upper(g.span) DESC LIMIT 1
  ), run AS (  -- the end of the spans that follow without a gap
    SELECT upper(r) AS ends FROM (SELECT unnest(range_agg(l.span)) AS r FROM live l) AS runs
    WHERE r @> $4
  ), last AS (
    SELECT l.* FROM live l WHERE upper(l.span) <= $4 ORDER BY upper(l.span) DESC LIMIT 1
  ), next AS (
    SELECT l.* FROM live l WHERE lower(l.span) > $4 ORDER BY lower(l.span) LIMIT 1
  ), due AS (
    SELECT o.id FROM orders o JOIN standing s ON o.membership_id = s.id
    WHERE o.community_id = $1 AND o.kind = 'renewal' AND o.status = 'pending'
      AND coalesce(o.due_at, o.created_at) <= $4
      AND (o.expires_at IS NULL OR o.expires_at > $4) LIMIT 1
  ), named AS MATERIALIZED (
    SELECT CASE
      WHEN n.entitlement_id IS NOT NULL AND NOT n.in_grace THEN CASE
        WHEN n.source = 'trial' THEN 'trialing'
        WHEN s.cancel_at_period_end THEN 'cancelled_at_period_end'
        ELSE 'active' END
      WHEN s.paused_at <= $4 THEN 'paused'
      WHEN n.in_grace THEN 'grace'
      WHEN EXISTS (SELECT FROM due) THEN 'past_due'
      WHEN x.id IS NOT NULL THEN 'upcoming'
      WHEN l.id IS NOT NULL THEN 'expired'
      ELSE 'none' END AS status,
      n.entitlement_id AS in_id, n.plan_id AS in_plan, n.source AS in_source, n.until AS in_until,
      s.plan_id AS standing_plan, s.resume_at, l.id AS last_id, l.plan_id AS last_plan,
      l.source AS last_source, x.id AS next_id, x.plan_id AS next_plan, x.source AS next_source,
      lower(x.span) AS next_from
    FROM (SELECT) AS always
    LEFT JOIN now_in n ON true LEFT JOIN standing s ON true
    LEFT JOIN last l ON true LEFT JOIN next x ON true
  )
  SELECT d.status,
    CASE d.status
      WHEN 'trialing' THEN in_until
      WHEN 'active' THEN (SELECT ends FROM run)
      WHEN 'cancelled_at_period_end' THEN (SELECT ends FROM run)
      WHEN 'grace' THEN in_until
      WHEN 'paused' THEN resume_at
      ELSE next_from END,
    CASE d.status WHEN 'upcoming' THEN next_plan
      ELSE coalesce(in_plan, standing_plan, last_plan) END,
    CASE d.status WHEN 'upcoming' THEN next_id ELSE coalesce(in_id, last_id) END,
    CASE d.status WHEN 'upcoming' THEN next_source ELSE coalesce(in_source, last_source) END
  FROM named d
$$;
