-- A member's memberships, the newest first; ended ones too, as many as anybody looks at.
-- in: member_id uuid!
-- out: id uuid!, member_id uuid!, product_id uuid!, product_name json!, plan_id uuid!,
--   plan_name json!, next_plan_id uuid, next_plan_name json, status text!, until text,
--   auto_renew bool!, cancel_at_period_end bool!, ends_at text, paused_at text, resume_at text,
--   banked_days int!, banked_seconds bigint!, renewal json, spans json!, started_at text!,
--   ended_at text, version int!
-- read
SELECT s.id, s.member_id, s.product_id, s.product_name::json, s.plan_id, s.plan_name::json,
  s.next_plan_id, s.next_plan_name::json, s.status, s.until, s.auto_renew, s.cancel_at_period_end,
  s.ends_at, s.paused_at, s.resume_at, s.banked_days, s.banked_seconds, s.renewal::json,
  s.spans::json, s.started_at, s.ended_at, s.version
FROM (
  SELECT m.id, m.started_at FROM membership m
  WHERE m.community_id = $1 AND m.member_id = $2 ORDER BY m.started_at DESC, m.id DESC LIMIT 100
) AS mine
CROSS JOIN LATERAL membership_shown($1, mine.id, now()) AS s
ORDER BY mine.started_at DESC, mine.id DESC
