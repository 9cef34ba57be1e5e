-- What is sold and what was ordered, as the API shows it, and the way from a quote to its order.

-- What an order holds and what it gave, however large the tables are.
CREATE INDEX code_hold_of_order ON code_hold (community_id, order_id) WHERE ended_at IS NULL;
CREATE INDEX entitlement_of_line ON entitlement (community_id, order_line_id)
  WHERE order_line_id IS NOT NULL;

CREATE OR REPLACE VIEW plan_shown AS
SELECT n.community_id, n.id, n.product_id, p.slug AS product_slug, p.kind AS product_kind,
  p.name::jsonb AS product_name, n.slug, n.version, n.name::jsonb AS name,
  n.benefits::jsonb AS benefits, n.price_minor, n.currency, n.period_unit, n.period_count,
  n.trial_days, n.grace_days, n.seats, n.renews, n.created_at, n.retired_at,
  n.retired_at IS NULL AND p.archived_at IS NULL AND coalesce(n.sale_from <= now(), true)
    AND coalesce(n.sale_until > now(), true) AS on_sale,
  p.position, n.tier, n.buyers, n.open_amount, n.visibility, n.sale_from, n.sale_until, (
    SELECT coalesce(jsonb_agg(jsonb_build_object('currency', m.currency,
                                                 'price_minor', m.price_minor)
                              ORDER BY m.currency), '[]')
    FROM plan_price m WHERE m.community_id = n.community_id AND m.plan_id = n.id) AS prices
FROM plan n
JOIN product p ON p.community_id = n.community_id AND p.id = n.product_id;

CREATE OR REPLACE VIEW code_shown AS
SELECT c.community_id, c.id, c.hint, c.machine AS machine_made,
  CASE
    WHEN c.revoked_at <= now() THEN 'revoked'
    WHEN k.valid_from > now() THEN 'not_yet_valid'
    WHEN k.ended_at <= now() OR k.valid_until <= now() THEN 'expired'
    ELSE code_status(c, now()) END AS status,
  c.effect, c.product_id, c.plan_id, c.days, c.percent::int AS percent, c.discount_minor,
  c.max_uses, c.used, c.held, c.valid_from, c.valid_until, c.reserved_subject AS reserved_for,
  c.campaign_id, c.batch_id, c.created_by, c.created_at, c.revoked_at, c.sealed, c.digest,
  c.forever, c.minimum_minor
FROM invite_code c
LEFT JOIN campaign k ON k.community_id = c.community_id AND k.id = c.campaign_id;

-- A line in one form, whether it is quoted or ordered.
CREATE FUNCTION line_shown(community bigint, line_id uuid, plan uuid, quantity int, unit bigint,
                           discount bigint, credit bigint, begins timestamptz, ends timestamptz,
                           trial boolean, lecture uuid, lecturer uuid, note text) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('id', $2, 'product_id', p.id, 'product_name', p.name,
    'plan_id', n.id, 'plan_name', n.name, 'quantity', $4, 'unit_minor', $5,
    'discount_minor', $6, 'credit_minor', $7, 'amount_minor', $5 * $4 - $6 - $7,
    'starts_at', iso($8), 'ends_at', iso($9), 'trial', $10, 'lecture_id', $11,
    'lecturer_id', $12, 'note', $13)
  FROM plan n JOIN product p ON p.community_id = $1 AND p.id = n.product_id
  WHERE n.community_id = $1 AND n.id = $3
$$;

CREATE VIEW quote_shown AS
SELECT q.community_id, q.id, q.member_id, t.kind, t.currency,
  t.unit_minor * t.quantity AS subtotal_minor, t.discount_minor, t.credit_minor, t.total_minor,
  jsonb_build_array(line_shown(q.community_id, q.id, t.plan_id, t.quantity, t.unit_minor,
    t.discount_minor, t.credit_minor, t.starts_at, t.ends_at, t.trial, t.lecture_id,
    t.lecturer_id, t.note) - 'id') AS lines,
  t.starts_at, t.ends_at, t.trial, t.units, t.membership_id, (
    SELECT c.hint FROM invite_code c WHERE c.community_id = q.community_id AND c.id = q.code_id)
    AS code_hint,
  t.forever, q.made_at, q.expires_at
FROM quote q
CROSS JOIN LATERAL jsonb_to_record(q.terms) AS t (
  kind text, currency text, plan_id uuid, quantity int, unit_minor bigint, discount_minor bigint,
  credit_minor bigint, total_minor bigint, trial boolean, starts_at timestamptz,
  ends_at timestamptz, units int, membership_id uuid, forever boolean, lecture_id uuid,
  lecturer_id uuid, note text);

CREATE VIEW order_shown AS
SELECT o.community_id, o.id, o.member_id, o.kind, o.status, o.currency, o.total_minor,
  o.paid_minor, o.refunded_minor, (
    SELECT coalesce(jsonb_agg(line_shown(o.community_id, l.id, l.plan_id, l.quantity, l.unit_minor,
      l.discount_minor, l.credit_minor, l.starts_at, l.ends_at, l.trial, l.lecture_id,
      l.lecturer_id, l.note) ORDER BY l.id), '[]')
    FROM order_line l WHERE l.community_id = o.community_id AND l.order_id = o.id) AS lines,
  o.membership_id, o.quote_id, (
    SELECT c.hint FROM invite_code c WHERE c.community_id = o.community_id AND c.id = o.code_id)
    AS code_hint,
  o.created_at, o.due_at, CASE WHEN o.status = 'pending' THEN o.expires_at END AS expires_at,
  o.settled_at, o.closed_at
FROM orders o;

CREATE VIEW seat_shown AS
SELECT s.community_id, s.id, l.order_id, s.unit AS number, s.owner_id, s.product_id,
  p.name::jsonb AS product_name, s.plan_id, n.name::jsonb AS plan_name, s.member_id,
  m.display_name AS member_name, s.assigned_at, s.revoked_at,
  coalesce(e.starts_at, lower(s.span)) AS starts_at,
  coalesce(e.ends_at, upper(s.span)) AS ends_at,
  CASE WHEN s.revoked_at IS NOT NULL THEN 'revoked'
       WHEN coalesce(e.ends_at, upper(s.span)) <= now() THEN 'ended'
       WHEN s.member_id IS NOT NULL THEN 'assigned'
       ELSE 'free' END AS status,
  o.created_at - s.unit * interval '1 microsecond' AS place  -- in lists: the latest order first
FROM group_seat s
JOIN order_line l ON l.community_id = s.community_id AND l.id = s.order_line_id
JOIN orders o ON o.community_id = s.community_id AND o.id = l.order_id
JOIN product p ON p.community_id = s.community_id AND p.id = s.product_id
JOIN plan n ON n.community_id = s.community_id AND n.id = s.plan_id
LEFT JOIN member m ON m.community_id = s.community_id AND m.id = s.member_id
CROSS JOIN LATERAL (
  SELECT min(lower(x.span)) AS starts_at, max(upper(x.span)) AS ends_at
  FROM seat_spans(s.community_id, s) x) AS e;

GRANT SELECT ON quote_shown, order_shown, seat_shown TO lyceum_server;

-- Does an open order of theirs stand in the way of this one? Of a lecture's seat, an upgrade, and
-- of what only who has nothing yet may buy, one at a time: two that were quoted side by side would
-- both count on the same.
CREATE FUNCTION order_waits(community bigint, member uuid, terms jsonb) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT FROM orders o
    JOIN order_line l ON l.community_id = $1 AND l.order_id = o.id
    JOIN plan n ON n.community_id = $1 AND n.id = l.plan_id
    WHERE o.community_id = $1 AND o.member_id = $2 AND o.status IN ('pending', 'partly_paid')
      AND CASE terms ->> 'kind'
        WHEN 'ticket' THEN l.lecture_id = (terms ->> 'lecture_id')::uuid
        WHEN 'upgrade' THEN o.kind = 'upgrade' AND l.product_id = (terms ->> 'product_id')::uuid
        WHEN 'purchase' THEN o.kind = 'purchase' AND l.product_id = (terms ->> 'product_id')::uuid
          AND (n.buyers IN ('new', 'returning')
               OR NOT terms ? 'code_id' AND (terms ->> 'discount_minor')::bigint > 0)
        ELSE false END)
$$;

-- What a member paid in this month (UTC) in a currency, and what they are about to pay.
CREATE FUNCTION spent(community bigint, member uuid, money text) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(CASE WHEN o.status IN ('pending', 'partly_paid') THEN o.total_minor
                           ELSE o.paid_minor - o.refunded_minor END), 0)::bigint
  FROM orders o
  WHERE o.community_id = $1 AND o.member_id = $2 AND o.currency = money AND o.closed_at IS NULL
    AND (o.status IN ('pending', 'partly_paid')
         OR o.settled_at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')
$$;

-- Makes the order that a quote promised: exactly that one, or none. The terms are made once more
-- for the quote's own moment; who was given something else meanwhile asks for another quote. A
-- second time it answers the same order.
CREATE FUNCTION order_from_quote(community bigint, of_member uuid, of_quote uuid, new_order uuid,
                                 line uuid)
RETURNS TABLE (refusal text, pointer text, fault text, order_id uuid, created boolean)
LANGUAGE plpgsql AS $$
DECLARE
  m member;
  q quote;
  code bytea;
  again jsonb;
  total bigint;
BEGIN
  created := false;
  SELECT x.* INTO m FROM member x WHERE x.community_id = $1 AND x.id = $2 FOR NO KEY UPDATE;
  SELECT o.id INTO order_id FROM orders o
  WHERE o.community_id = $1 AND o.quote_id = $3 AND o.member_id = $2;
  IF FOUND THEN RETURN NEXT; RETURN; END IF;
  SELECT x.* INTO q FROM quote x
  WHERE x.community_id = $1 AND x.id = $3 AND x.member_id = $2;
  SELECT c.digest INTO code FROM invite_code c WHERE c.community_id = $1 AND c.id = q.code_id;
  again := quote_make($1, $2, q.request, code, q.made_at);
  total := (q.terms ->> 'total_minor')::bigint;
  refusal := CASE
    WHEN member_state(m, now()) = 'suspended' THEN 'member_suspended'
    WHEN member_state(m, now()) = 'banned' THEN 'member_banned'
    WHEN q.id IS NULL THEN 'body_invalid'
    WHEN q.expires_at <= now() THEN 'quote_expired'
    WHEN EXISTS (SELECT FROM code_hold h WHERE h.community_id = $1 AND h.code_id = q.code_id
                 AND h.member_id = $2 AND h.ended_at IS NULL) THEN 'code_held'
    WHEN order_waits($1, $2, q.terms) THEN 'order_waits'
    WHEN again ->> 'refusal' IN ('code_sold_out', 'code_revoked', 'code_used', 'lecture_full')
      THEN again ->> 'refusal'
    WHEN again IS DISTINCT FROM q.terms THEN 'quote_changed'
    WHEN spent($1, $2, q.terms ->> 'currency') + total > m.spend_limit_minor AND total > 0
      THEN 'spend_limit' END;
  IF refusal IS NOT NULL THEN
    IF refusal = 'body_invalid' THEN pointer := '/quote_id'; fault := 'unknown'; END IF;
    RETURN NEXT; RETURN;
  END IF;
  -- Paid within half an hour, it is what the quote said to the second; later, it begins when paid.
  PERFORM order_open($1, $4, $5, $2, $3, q.terms, q.made_at, now() + interval '30 minutes', NULL,
                     NULL);
  IF total = 0 THEN PERFORM order_settle($1, $4, now()); END IF;
  order_id := $4;
  created := true;
  RETURN NEXT;
END $$;
