-- Removes what has had its time, some of each: codes of yesterday, revocations older than any
-- token, answers kept for Idempotency-Keys, sessions long over, budgets of days past, quotes that
-- nobody took, what was told a week ago, webhooks of a month ago.
-- in: most int!
-- out: _gone bigint!
-- global
-- again: safe
WITH challenges AS (
  DELETE FROM challenge WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM challenge WHERE expires_at < now() - interval '1 day' LIMIT $1)) RETURNING 1
), revocations AS (
  DELETE FROM revocation WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM revocation WHERE at < now() - interval '1 hour' LIMIT $1)) RETURNING 1
), answers AS (
  DELETE FROM idempotency WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency WHERE created_at < now() - interval '7 days' LIMIT $1)) RETURNING 1
), sessions AS (
  DELETE FROM session WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM session WHERE expires_at < now() - interval '30 days' LIMIT $1)) RETURNING 1
), contacts AS (
  DELETE FROM contact_budget WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM contact_budget WHERE last_at < now() - interval '2 days' LIMIT $1)) RETURNING 1
), messages AS (
  DELETE FROM mailbox WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM mailbox WHERE at < now() - interval '7 days' LIMIT $1)) RETURNING 1
), quotes AS (
  DELETE FROM quote WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM quote WHERE expires_at < now() - interval '1 day' LIMIT $1)) RETURNING 1
), told AS (  -- by all consumers; webhooks are read for where there is an enabled one
  DELETE FROM outbox WHERE ctid = ANY (ARRAY(
    SELECT o.ctid FROM outbox_cursor c
    LEFT JOIN outbox_cursor w ON w.community_id = c.community_id AND w.consumer = 'webhooks'
      AND EXISTS (SELECT FROM webhook_endpoint e
                  WHERE e.community_id = c.community_id AND e.state = 'enabled')
    CROSS JOIN LATERAL (  -- the oldest: they stand first
      SELECT t.ctid, t.at FROM outbox t
      WHERE t.community_id = c.community_id AND (t.xid, t.id) <= (c.xid, c.id)
        AND (w.xid IS NULL OR (t.xid, t.id) <= (w.xid, w.id))
      ORDER BY t.xid, t.id LIMIT $1) o
    WHERE c.consumer = 'notices' AND o.at < now() - interval '7 days' LIMIT $1)) RETURNING 1
), sent AS MATERIALIZED (  -- webhooks of a month ago, and those of endpoints that are no more
  SELECT d.community_id, d.endpoint_id, d.id FROM webhook_endpoint e CROSS JOIN LATERAL (
    SELECT o.community_id, o.endpoint_id, o.id FROM webhook_delivery o
    WHERE o.community_id = e.community_id AND o.endpoint_id = e.id
      AND (e.state = 'removed' OR o.id < (SELECT uuid7(now() - interval '30 days')))
    ORDER BY o.id LIMIT $1) d
  LIMIT $1
), tries AS (
  DELETE FROM webhook_attempt a USING sent s
  WHERE a.community_id = s.community_id AND a.endpoint_id = s.endpoint_id AND a.delivery_id = s.id
), deliveries AS (
  DELETE FROM webhook_delivery d USING sent s
  WHERE d.community_id = s.community_id AND d.endpoint_id = s.endpoint_id AND d.id = s.id
  RETURNING 1
), endpoints AS (
  DELETE FROM webhook_endpoint e
  WHERE e.state = 'removed' AND NOT EXISTS (
    SELECT FROM webhook_delivery d WHERE d.community_id = e.community_id AND d.endpoint_id = e.id)
  RETURNING 1
)
SELECT (SELECT count(*) FROM challenges) + (SELECT count(*) FROM revocations)
     + (SELECT count(*) FROM answers) + (SELECT count(*) FROM sessions)
     + (SELECT count(*) FROM contacts) + (SELECT count(*) FROM messages)
     + (SELECT count(*) FROM quotes) + (SELECT count(*) FROM told)
     + (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM endpoints)
