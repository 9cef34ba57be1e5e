-- What became of a request: issued under a number, or refused with a reason. An issued one may get
-- another number, or be refused after all. `expected` is the version that If-Match stood for; 0
-- means any.
-- in: id uuid!, body json!, expected int!, actor uuid!, role text!, audit_id uuid!,
--   request_id text
-- out: id uuid, _refusal text, _pointer text, _fault text
WITH old AS MATERIALIZED (
  SELECT i.*, $3::jsonb AS j FROM invoice_request i
  WHERE i.community_id = $1 AND i.id = $2 FOR UPDATE
), wanted AS MATERIALIZED (
  SELECT old.*, coalesce(j ->> 'state', state) AS to_state,
    CASE WHEN j ? 'number' THEN j ->> 'number' ELSE number END AS to_number,
    CASE WHEN j ? 'reason' THEN j ->> 'reason' ELSE reason END AS to_reason
  FROM old
), judged AS MATERIALIZED (
  SELECT w.*, CASE
    WHEN $4 <> 0 AND version <> $4 THEN 'version_changed'
    WHEN state IN ('refused', 'withdrawn') THEN 'state_forbids'
    WHEN to_state = 'issued' AND to_number IS NULL THEN 'number'
    WHEN to_state = 'refused' AND to_reason IS NULL THEN 'reason' END AS refusal
  FROM wanted w
), done AS (
  UPDATE invoice_request i SET state = to_state, number = to_number, reason = to_reason,
    decided_at = now(), decided_by = $5, version = i.version + 1
  FROM judged j
  WHERE i.community_id = $1 AND i.id = j.id AND refusal IS NULL
  RETURNING i.id, i.member_id, i.order_id, i.state
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, request_id)
  SELECT $1, $7, $5, $6, 'invoice_request.change', 'invoice_request', done.id,
    jsonb_build_object('state', j.state, 'number', j.number, 'reason', j.reason),
    jsonb_build_object('state', j.to_state, 'number', j.to_number, 'reason', j.to_reason), $8
  FROM done, judged j
), told AS (
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  SELECT $1, uuid7(), 'invoice.' || state, member_id,
    jsonb_build_object('order_id', order_id, 'invoice_request_id', id)
  FROM done WHERE state <> 'asked'
)
SELECT done.id, CASE WHEN refusal IN ('number', 'reason') THEN 'body_invalid' ELSE refusal END,
  CASE WHEN refusal IN ('number', 'reason') THEN '/' || refusal END,
  CASE WHEN refusal IN ('number', 'reason') THEN 'required' END
FROM judged LEFT JOIN done ON true
