-- A provider refuses a refund: people have to look at it, and the payer is told that it is delayed.
-- in: id uuid!, error text!, audit_id uuid!
-- out: _id uuid!
WITH failed AS (
  UPDATE refund_request q SET state = 'failed', finished_at = now(), error = $3
  WHERE q.community_id = $1 AND q.id = $2 AND q.state IN ('asked', 'processing')
  RETURNING q.id, q.payment_id
), told AS (
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  SELECT $1, uuid7(), 'refund.failed', o.member_id,
    jsonb_build_object('order_id', o.id, 'request_id', f.id)
  FROM failed f JOIN payment p ON p.community_id = $1 AND p.id = f.payment_id
  JOIN orders o ON o.community_id = $1 AND o.id = p.order_id
), audited AS (
  INSERT INTO audit_log (community_id, id, via, action, target_kind, target_id, after)
  SELECT $1, $4, 'job', 'refund.fail', 'payment', f.payment_id,
    jsonb_build_object('request_id', f.id, 'error', $3)
  FROM failed f
)
SELECT id FROM failed
