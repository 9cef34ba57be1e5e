-- Codes, plans and entitlements as the API shows them: in one place for all statements that read
-- one. What follows from the clock is derived here and stored nowhere.

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

CREATE VIEW plan_shown AS
SELECT n.community_id, n.id, n.product_id, p.slug AS product_slug, p.kind AS product_kind,
  p.name::jsonb AS product_name, n.slug, n.version, n.name::jsonb AS name,
  n.benefits::jsonb AS benefits, n.price_minor, n.currency, n.period_unit, n.period_count,
  n.trial_days, n.grace_days, n.seats, n.renews, n.created_at, n.retired_at,
  n.retired_at IS NULL AND p.archived_at IS NULL AS on_sale, p.position
FROM plan n
JOIN product p ON p.community_id = n.community_id AND p.id = n.product_id;

CREATE VIEW entitlement_shown AS
SELECT e.community_id, e.id, e.member_id, e.product_id, p.name::jsonb AS product_name, e.plan_id,
  n.name::jsonb AS plan_name, e.source,
  CASE
    WHEN e.voided_at IS NOT NULL THEN 'void'
    WHEN lower(e.span) > now() THEN 'upcoming'
    WHEN upper(e.span) > now() THEN 'active'
    WHEN upper(e.span) + make_interval(hours => 24 * e.grace_days) > now() THEN 'grace'
    ELSE 'expired' END AS status,
  lower(e.span) AS starts_at, upper(e.span) AS ends_at, e.grace_days, c.id AS code_id,
  c.hint AS code_hint, l.order_id, e.granted_by, e.reason, e.created_at, e.voided_at, e.voided_by,
  e.void_reason
FROM entitlement e
JOIN product p ON p.community_id = e.community_id AND p.id = e.product_id
JOIN plan n ON n.community_id = e.community_id AND n.id = e.plan_id
LEFT JOIN redemption r ON r.community_id = e.community_id AND r.member_id = e.member_id
  AND r.id = e.redemption_id
LEFT JOIN invite_code c ON c.community_id = r.community_id AND c.id = r.code_id
LEFT JOIN order_line l ON l.community_id = e.community_id AND l.id = e.order_line_id;

GRANT SELECT ON code_shown, plan_shown, entitlement_shown TO lyceum_server;
