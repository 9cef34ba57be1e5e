-- All that happened to a member's memberships, the newest first: to the member and to operators in
-- the same words. It is read from where it is kept; audit_log only says what no other row does.
-- in: member_id uuid!, after_key timestamptz, after_id uuid, page int!
-- out: id uuid!, at timestamptz!, kind text!, says json!, by text, reason text, order_id uuid,
--   order_kind text, amount_minor bigint, currency text, plan_id uuid, plan_name json, source text,
--   starts_at timestamptz, ends_at timestamptz, code_hint text, _key timestamptz!
-- read
WITH mine AS MATERIALIZED (
  SELECT o.*, l.plan_id, l.starts_at, l.ends_at FROM orders o
  JOIN LATERAL (SELECT i.* FROM order_line i WHERE i.community_id = $1 AND i.order_id = o.id
                ORDER BY i.id LIMIT 1) l ON true
  WHERE o.community_id = $1 AND o.member_id = $2
), spans AS MATERIALIZED (
  SELECT e.*, CASE WHEN o.member_id = $2 THEN o.id END AS order_id FROM entitlement e
  LEFT JOIN order_line l ON l.community_id = $1 AND l.id = e.order_line_id
  LEFT JOIN orders o ON o.community_id = $1 AND o.id = l.order_id
  WHERE e.community_id = $1 AND e.member_id = $2
), paid AS MATERIALIZED (
  SELECT p.*, o.plan_id, o.kind FROM mine o
  JOIN payment p ON p.community_id = $1 AND p.order_id = o.id
), told (at, id, kind, by, reason, order_id, order_kind, amount_minor, currency, plan_id, source,
         starts_at, ends_at, code_id) AS (
  SELECT o.created_at, o.id,
    CASE WHEN o.settled_at = o.created_at THEN 'order.paid' ELSE 'order.created' END,
    CASE o.kind WHEN 'renewal' THEN 'house' WHEN 'by_hand' THEN 'operator' ELSE 'member' END,
    NULL, o.id, o.kind, o.total_minor, o.currency, o.plan_id, NULL, o.starts_at, o.ends_at, NULL
  FROM mine o
  UNION ALL
  SELECT o.settled_at, o.id, 'order.paid', NULL, NULL, o.id, o.kind, o.total_minor, o.currency,
    o.plan_id, NULL, NULL, NULL, NULL::uuid
  FROM mine o WHERE o.settled_at <> o.created_at
  UNION ALL
  SELECT o.closed_at, o.id, 'order.' || o.closed_reason,
    CASE WHEN o.closed_reason <> 'cancelled' THEN 'house' END, NULL, o.id, o.kind, o.total_minor,
    o.currency, o.plan_id, NULL, NULL, NULL, NULL
  FROM mine o WHERE o.closed_at IS NOT NULL
  UNION ALL
  SELECT p.created_at, p.id, CASE WHEN p.surplus THEN 'payment.surplus' ELSE 'payment.received' END,
    CASE WHEN p.received_by IS NULL THEN 'member' ELSE 'operator' END, NULL, p.order_id,
    p.kind, p.amount_minor, p.currency, p.plan_id, NULL, NULL, NULL, NULL
  FROM paid p
  UNION ALL
  SELECT r.created_at, r.id, 'payment.refunded',
    CASE WHEN r.refunded_by IS NULL THEN 'house' ELSE 'operator' END, r.reason, p.order_id,
    p.kind, r.amount_minor, p.currency, p.plan_id, NULL, NULL, NULL, NULL
  FROM paid p JOIN refund r ON r.community_id = $1 AND r.payment_id = p.id
  UNION ALL
  SELECT a.at, a.id, 'refund.failed', 'house', NULL, p.order_id, p.kind, q.amount_minor,
    p.currency, p.plan_id, NULL, NULL, NULL, NULL
  FROM paid p
  JOIN audit_log a ON a.community_id = $1 AND a.target_id = p.id AND a.target_kind = 'payment'
    AND a.action = 'refund.fail'
  JOIN refund_request q ON q.community_id = $1 AND q.id = (a.after ->> 'request_id')::uuid
  UNION ALL
  SELECT d.at, d.id, d.what, CASE d.what WHEN 'dispute.opened' THEN 'member' ELSE 'house' END,
    d.reason, p.order_id, p.kind, d.amount_minor, p.currency, p.plan_id, NULL, NULL, NULL, NULL
  FROM paid p CROSS JOIN LATERAL (
    SELECT x.opened_at AS at, x.id, 'dispute.opened' AS what, x.reason, x.amount_minor
    FROM dispute x WHERE x.community_id = $1 AND x.payment_id = p.id
    UNION ALL
    SELECT x.ended_at, x.id, 'dispute.' || x.state, NULL, x.amount_minor
    FROM dispute x WHERE x.community_id = $1 AND x.payment_id = p.id AND x.ended_at IS NOT NULL) d
  UNION ALL
  SELECT e.created_at, e.id, CASE WHEN e.redemption_id IS NOT NULL THEN 'code.redeemed'
      WHEN e.source = 'carried' THEN 'span.moved' ELSE 'span.given' END,
    CASE WHEN e.granted_by IS NOT NULL THEN 'operator'
         WHEN e.redemption_id IS NOT NULL OR e.source = 'gift' THEN 'member' ELSE 'house' END,
    e.reason, e.order_id, NULL, NULL, NULL, e.plan_id, e.source, lower(e.span), upper(e.span), (
      SELECT r.code_id FROM redemption r
      WHERE r.community_id = $1 AND r.member_id = $2 AND r.id = e.redemption_id)
  FROM spans e WHERE e.voided_at IS DISTINCT FROM e.created_at
  UNION ALL
  SELECT e.voided_at, e.id, 'span.voided', CASE WHEN e.voided_by IS NULL THEN 'house'
      WHEN e.voided_by = $2 THEN 'member' ELSE 'operator' END,
    e.void_reason, e.order_id, NULL, NULL, NULL, e.plan_id, e.source, lower(e.span),
    upper(e.span), NULL
  FROM spans e WHERE e.voided_at IS NOT NULL
  UNION ALL
  SELECT r.redeemed_at, r.id, 'code.redeemed', 'member', NULL, r.order_id, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, r.code_id
  FROM redemption r WHERE r.community_id = $1 AND r.member_id = $2 AND r.order_id IS NOT NULL
  UNION ALL
  SELECT t.at, g.id, t.what, t.by, NULL, o.id, o.kind, NULL, NULL, o.plan_id, NULL, NULL,
    g.claim_until, NULL
  FROM gift g JOIN order_line l ON l.community_id = $1 AND l.id = g.order_line_id
  JOIN mine o ON o.id = l.order_id
  CROSS JOIN LATERAL (VALUES (g.created_at, 'gift.ready', 'house'),
    (g.claimed_at, 'gift.claimed', 'house'), (g.withdrawn_at, 'gift.withdrawn', 'house'))
    AS t (at, what, by)
  WHERE g.community_id = $1 AND g.giver_id = $2 AND t.at IS NOT NULL
  UNION ALL
  SELECT a.at, a.id, a.action, CASE WHEN a.actor_id IS NULL THEN 'house'
      WHEN a.actor_id = $2 THEN 'member' ELSE 'operator' END, a.reason, NULL, NULL, NULL, NULL,
    coalesce((a.after ->> 'next_plan_id')::uuid, m.plan_id), NULL,
    (a.after ->> 'paused_at')::timestamptz,
    coalesce(a.after ->> 'resume_at', a.after ->> 'ends_at')::timestamptz, NULL
  FROM membership m
  JOIN audit_log a ON a.community_id = $1 AND a.target_id = m.id AND a.target_kind = 'membership'
  WHERE m.community_id = $1 AND m.member_id = $2
)
SELECT t.id, t.at, t.kind, json_build_object('en', coalesce(w.en, t.kind), 'zh-CN',
    coalesce(w.zh, t.kind)), t.by, t.reason, t.order_id, t.order_kind, t.amount_minor, t.currency,
  t.plan_id, n.name::json, t.source, t.starts_at, t.ends_at, c.hint, t.at
FROM (
  SELECT * FROM told
  WHERE $3::timestamptz IS NULL OR (at, id) < ($3, $4) ORDER BY at DESC, id DESC LIMIT $5
) AS t
LEFT JOIN plan n ON n.community_id = $1 AND n.id = t.plan_id
LEFT JOIN invite_code c ON c.community_id = $1 AND c.id = t.code_id
LEFT JOIN (VALUES
  ('order.created', 'An order was made', '订单已创建'),
  ('order.paid', 'An order was paid in full', '订单已付清'),
  ('order.cancelled', 'An order was cancelled', '订单已取消'),
  ('order.expired', 'An order was not paid in time', '订单逾期未付'),
  ('order.failed', 'An order''s payment failed', '订单付款失败'),
  ('payment.received', 'A payment came in', '已收到付款'),
  ('payment.surplus', 'A payment came in that was not needed; it goes back', '收到多余付款，将退回'),
  ('payment.refunded', 'Money went back', '已退款'),
  ('refund.failed', 'A refund could not be made yet', '退款暂未成功'),
  ('dispute.opened', 'A payment was disputed; what it bought rests meanwhile', '付款有争议，相应权益暂停'),
  ('dispute.won', 'The dispute ended in favour of the community', '争议已解决，权益恢复'),
  ('dispute.lost', 'The dispute ended in favour of the payer', '争议已裁定退款'),
  ('span.given', 'Time was given', '已获得会员时长'),
  ('span.moved', 'What was left of a time was moved', '剩余时长已顺延'),
  ('span.voided', 'A time was taken back', '会员时长已作废'),
  ('code.redeemed', 'A code was used', '已使用邀请码'),
  ('gift.ready', 'A gift is ready to be handed on', '礼品已可赠送'),
  ('gift.claimed', 'A gift was claimed', '礼品已被领取'),
  ('gift.withdrawn', 'A gift was withdrawn', '礼品已撤回'),
  ('membership.pause', 'The membership was paused', '会员资格已暂停'),
  ('membership.resume', 'The membership was resumed', '会员资格已恢复'),
  ('membership.cancel', 'The membership was cancelled', '会员资格已取消'),
  ('membership.return', 'The cancellation was taken back', '已撤回取消'),
  ('membership.change', 'How the membership goes on was changed', '续费方式已更改'),
  ('membership.end', 'The membership ended', '会员资格已结束')
) AS w (kind, en, zh) ON w.kind = t.kind
ORDER BY t.at DESC, t.id DESC
