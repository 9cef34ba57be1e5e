-- A member's spending limit of a month, and what counts towards it in each currency.
-- in: member uuid!
-- out: limit_minor bigint, spent json!, resets_at timestamptz!, _role text!
-- read
SELECT m.spend_limit_minor, (
    SELECT coalesce(json_agg(json_build_object('currency', s.currency, 'spent_minor', s.minor)
                             ORDER BY s.currency), '[]')
    FROM (SELECT o.currency, spent($1, $2, o.currency) AS minor FROM orders o
          WHERE o.community_id = $1 AND o.member_id = $2 GROUP BY o.currency) s
    WHERE s.minor > 0),
  (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC', m.role
FROM member m WHERE m.community_id = $1 AND m.id = $2
