-- Makes what is to be sent of what happened in a community since the last time: with more
-- endpoints fewer events at once.
-- in: id uuid!
-- out: _done bool!
-- again: safe
SELECT webhooks_make($1, greatest(500, 10000 / greatest(1, (
  SELECT count(*) FROM webhook_endpoint e
  WHERE e.community_id = $1 AND e.state = 'enabled')))::int)
FROM (SELECT $2::uuid) AS any_of_them
