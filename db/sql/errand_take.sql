-- What is to be asked of providers now: payments whose notification did not come, attempts that
-- nobody wants any more, refunds, subscriptions to be stopped, and the built-in provider's own
-- notifications. Each is taken by moving its time ahead and committing that: if this process dies,
-- somebody takes it again then.
-- in: most int!
-- out: _kind text!, _community bigint!, _id uuid!, _slug text!, _provider text!, _shown json,
--   _sealed bytea, _attempt uuid, _ref text, _amount bigint!, _currency text, _tries int!,
--   _body text
-- global
WITH attempts AS (
  SELECT a.community_id, a.id,
    a.unwanted OR o.closed_at IS NOT NULL OR o.settled_at IS NOT NULL AS done
  FROM payment_attempt a JOIN orders o ON o.community_id = a.community_id AND o.id = a.order_id
  WHERE a.state = 'open' AND coalesce(a.taken_until <= now(), true)
    AND a.next_look_at <= now()
  ORDER BY a.next_look_at LIMIT $1 FOR UPDATE OF a SKIP LOCKED
), looked AS (
  UPDATE payment_attempt a SET taken_until = now() + interval '30 seconds', looks = a.looks + 1
  FROM attempts t WHERE a.community_id = t.community_id AND a.id = t.id
  RETURNING a.*, t.done
), refunds AS (
  SELECT q.community_id, q.id, p.provider, p.provider_ref, p.order_id, p.currency
  FROM refund_request q
  JOIN payment p ON p.community_id = q.community_id AND p.id = q.payment_id
  WHERE q.state IN ('asked', 'processing') AND q.next_try_at <= now() AND p.provider <> 'hand'
  ORDER BY q.next_try_at LIMIT $1 FOR UPDATE OF q SKIP LOCKED
), asked AS (
  UPDATE refund_request q SET next_try_at = now() + interval '30 seconds', tries = q.tries + 1
  FROM refunds t WHERE q.community_id = t.community_id AND q.id = t.id
  RETURNING q.*, t.provider, t.provider_ref AS payment_ref, t.order_id, t.currency
), stops AS (
  SELECT s.community_id, s.id FROM renewal_stop s
  WHERE s.done_at IS NULL AND s.next_try_at <= now()
  ORDER BY s.next_try_at LIMIT $1 FOR UPDATE SKIP LOCKED
), stopped AS (
  UPDATE renewal_stop s SET tries = s.tries + 1,
    next_try_at = now() + interval '30 seconds' * power(2, least(s.tries, 7))
  FROM stops t WHERE s.community_id = t.community_id AND s.id = t.id
  RETURNING s.*
), events AS (
  SELECT e.community_id, e.id FROM test_event e WHERE e.copies > 0 AND e.due_at <= now()
  ORDER BY e.due_at LIMIT $1 FOR UPDATE SKIP LOCKED
), sent AS (
  UPDATE test_event e SET due_at = now() + interval '30 seconds', tries = e.tries + 1
  FROM events t WHERE e.community_id = t.community_id AND e.id = t.id
  RETURNING e.*
), errands AS (
  SELECT CASE WHEN done THEN 'close' ELSE 'look' END AS kind, community_id, id, provider,
    id AS attempt, provider_ref AS ref, amount_minor, currency, looks AS tries, NULL::text AS body
  FROM looked
  UNION ALL
  SELECT 'refund', q.community_id, q.id, q.provider, a.id, q.payment_ref, q.amount_minor,
    q.currency, q.tries, NULL
  FROM asked q LEFT JOIN payment_attempt a ON a.community_id = q.community_id
    AND a.provider = q.provider AND a.provider_ref = q.payment_ref
  UNION ALL
  SELECT 'stop', community_id, id, provider, NULL, subscription, 0, NULL, tries, NULL FROM stopped
  UNION ALL
  SELECT 'send', community_id, id, 'test', NULL, NULL, 0, NULL, tries, payload FROM sent
)
SELECT e.kind, e.community_id, e.id, c.slug, e.provider, g.shown::json, g.sealed, e.attempt, e.ref,
  e.amount_minor, e.currency, e.tries, e.body
FROM errands e JOIN community c ON c.id = e.community_id
LEFT JOIN gateway_setting g ON g.community_id = e.community_id AND g.provider = e.provider
