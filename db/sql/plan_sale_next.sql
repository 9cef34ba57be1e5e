-- When the sale of a plan of the public list next begins or ends.
-- out: until timestamptz
-- read
SELECT min(t) FROM plan n, unnest(ARRAY[n.sale_from, n.sale_until]) AS t
WHERE n.community_id = $1 AND n.retired_at IS NULL AND n.visibility = 'public' AND t > now()
