-- Applies a merge patch to a code. Runs after code_hold in the same transaction. The cap can't go
-- below what was used, and what was withdrawn stays withdrawn.
-- in: id uuid!, body json!, actor uuid!, role text!, audit_id uuid!, request_id text
-- out: _refusal text, _pointer text, _fault text, _told text
WITH old AS MATERIALIZED (
  SELECT c.*, $3::jsonb AS j FROM invite_code c WHERE c.community_id = $1 AND c.id = $2
), new AS MATERIALIZED (
  SELECT old.*, coalesce((j ->> 'max_uses')::int, max_uses) AS cap,
    CASE WHEN j ? 'valid_from' THEN (j ->> 'valid_from')::timestamptz ELSE valid_from END AS since,
    CASE WHEN j ? 'valid_until' THEN (j ->> 'valid_until')::timestamptz ELSE valid_until END
      AS until
  FROM old
), judged AS MATERIALIZED (
  SELECT n.*, CASE
      WHEN NOT (j ->> 'revoked')::bool AND revoked_at IS NOT NULL THEN 'state_forbids'
      WHEN cap < used + held THEN 'too_little'
      WHEN cap > 1 AND reserved_subject IS NOT NULL THEN 'too_much'
      WHEN until <= since THEN 'too_early' END AS refusal
  FROM new n
), done AS (
  UPDATE invite_code c SET max_uses = n.cap, valid_from = n.since, valid_until = n.until,
    revoked_at = CASE WHEN (n.j ->> 'revoked')::bool THEN coalesce(c.revoked_at, now())
                      ELSE c.revoked_at END
  FROM judged n
  WHERE c.community_id = $1 AND c.id = $2 AND n.refusal IS NULL
  RETURNING c.id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, request_id)
  SELECT $1, $6, $4, $5,
    CASE WHEN (j ->> 'revoked')::bool THEN 'code.revoke' ELSE 'code.change' END, 'code', done.id, (
      SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(jsonb_build_object(
        'max_uses', max_uses, 'valid_from', iso(valid_from), 'valid_until', iso(valid_until),
        'revoked', revoked_at IS NOT NULL)) AS f
      WHERE j ? f.key), j, $7
  FROM done, old
)
SELECT CASE WHEN refusal IN ('too_little', 'too_much', 'too_early') THEN 'body_invalid'
            ELSE refusal END,
  CASE WHEN refusal IN ('too_little', 'too_much') THEN '/max_uses'
       WHEN refusal = 'too_early' THEN '/valid_until' END,
  CASE WHEN refusal <> 'state_forbids' THEN refusal END,
  (SELECT pg_notify('lyceum', 'public ' || $1)::text FROM done)  -- perhaps no longer sold out
FROM judged
