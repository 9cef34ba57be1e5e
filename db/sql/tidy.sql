-- Removes what has had its time, some of each: codes of yesterday, revocations older than any
-- token, answers kept for Idempotency-Keys, sessions long over, budgets of days past, quotes that
-- nobody took, what was told a week ago.
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
), told AS (
  DELETE FROM outbox WHERE ctid = ANY (ARRAY(
    SELECT o.ctid FROM outbox_cursor c CROSS JOIN LATERAL (  -- the oldest: they stand first
      SELECT t.ctid, t.at FROM outbox t
      WHERE t.community_id = c.community_id AND (t.xid, t.id) <= (c.xid, c.id)
      ORDER BY t.xid, t.id LIMIT $1) o
    WHERE c.consumer = 'notices' AND o.at < now() - interval '7 days' LIMIT $1)) RETURNING 1
)
SELECT (SELECT count(*) FROM challenges) + (SELECT count(*) FROM revocations)
     + (SELECT count(*) FROM answers) + (SELECT count(*) FROM sessions)
     + (SELECT count(*) FROM contacts) + (SELECT count(*) FROM messages)
     + (SELECT count(*) FROM quotes) + (SELECT count(*) FROM told)
