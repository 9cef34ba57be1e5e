-- What came of a try, if the delivery is still ours. `outcome`: delivered, later, failed (for good)
-- or gone (the endpoint wants no more). Three stumbles in a row and an endpoint rests, longer and
-- longer, up to five minutes; when nothing has arrived for five days it is disabled.
-- in: endpoint uuid!, id uuid!, attempt int!, outcome text!, status int, error text, ms int!,
--   answer text, wait int!, rest int!, audit_id uuid!
-- out: _disabled text
-- again: safe
WITH told AS (
  UPDATE webhook_delivery d SET step = least(d.step + 1, 10),
    state = CASE $5 WHEN 'delivered' THEN 'delivered' WHEN 'later' THEN 'pending'
            ELSE 'failed' END,
    next_at = CASE $5 WHEN 'later' THEN now() + make_interval(secs => $10) END,
    finished_at = CASE WHEN $5 <> 'later' THEN now() END,
    taken_until = NULL, last_status = $6, last_error = $7, last_ms = $8
  WHERE d.community_id = $1 AND d.endpoint_id = $2 AND d.id = $3 AND d.attempts = $4
    AND d.state = 'pending' AND d.taken_until IS NOT NULL
  RETURNING d.attempts
), logged AS (
  INSERT INTO webhook_attempt (community_id, endpoint_id, delivery_id, number, status, error, ms,
                               answer)
  SELECT $1, $2, $3, attempts, $6, $7, $8, $9 FROM told
), looked AS MATERIALIZED (
  SELECT $5 = 'delivered' AS good, coalesce($6 >= 500 OR $6 = 429, true) AS stumbled,
    CASE WHEN $5 = 'gone' THEN 'gone' WHEN $5 <> 'delivered' AND (
      SELECT e.failing_since < now() - interval '5 days' FROM webhook_endpoint e
      WHERE e.community_id = $1 AND e.id = $2) THEN 'failing' END AS ends
  FROM told
), noted AS (
  UPDATE webhook_endpoint e SET
    failures = CASE WHEN l.good THEN 0 WHEN l.stumbled THEN e.failures + 1 ELSE e.failures END,
    failing_since = CASE WHEN NOT l.good THEN coalesce(e.failing_since, now()) END,
    rest_until = CASE WHEN NOT l.good THEN greatest(e.rest_until, CASE WHEN $11 > 0
        THEN now() + make_interval(secs => $11) END, CASE WHEN l.stumbled AND e.failures >= 2
        THEN now() + make_interval(secs => least(300, 5 * 2 ^ least(e.failures - 2, 6))) END) END,
    last_status = CASE WHEN NOT l.good THEN $6 END, last_error = CASE WHEN NOT l.good THEN $7 END,
    state = CASE WHEN e.state = 'enabled' AND l.ends IS NOT NULL THEN 'disabled' ELSE e.state END,
    disabled_at = CASE WHEN e.state = 'enabled' AND l.ends IS NOT NULL THEN now()
                       ELSE e.disabled_at END,
    disabled_reason = CASE WHEN e.state = 'enabled' THEN l.ends ELSE e.disabled_reason END
  FROM looked l
  WHERE e.community_id = $1 AND e.id = $2 AND e.state <> 'removed'
    AND NOT (l.good AND e.failures = 0 AND e.failing_since IS NULL AND e.rest_until IS NULL)
  RETURNING CASE WHEN e.disabled_at = now() THEN e.disabled_reason END AS why
), audited AS (
  INSERT INTO audit_log (community_id, id, via, action, target_kind, target_id, after, reason)
  SELECT $1, $12, 'job', 'webhook.disable', 'webhook', $2,
    jsonb_build_object('status', $6, 'error', $7), why FROM noted WHERE why IS NOT NULL
)
SELECT (SELECT why FROM noted) FROM told
