-- The demo's codes that can be redeemed now, for `lyceum demo` to show.
-- out: id uuid!, sealed bytea, machine bool!, effect text!, days int!, left int!
-- read
SELECT c.id, c.sealed, c.machine, c.effect, c.days, c.max_uses - c.used - c.held
FROM invite_code c
JOIN campaign k ON k.community_id = $1 AND k.id = c.campaign_id AND k.source = 'demo'
WHERE c.community_id = $1 AND code_status(c, now()) = 'live'
ORDER BY c.machine, c.created_at, c.id
LIMIT 20
