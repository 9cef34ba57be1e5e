-- How a community sells; the defaults until somebody says otherwise.
-- out: order_minutes int!, hand_days int!, renewal_days int!, notice_days int!, dunning_days json!,
--   pause_days int!, gift_days int!, winback_percent int!, winback_days int!, quiet_from int!,
--   quiet_until int!, version int!
-- read
SELECT p.order_minutes, p.hand_days, p.renewal_days, p.notice_days, to_json(p.dunning_days),
  p.pause_days, p.gift_days, p.winback_percent, p.winback_days, p.quiet_from, p.quiet_until,
  p.version
FROM policy_of($1) p
