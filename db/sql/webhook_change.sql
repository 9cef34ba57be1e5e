-- Applies a merge patch to an endpoint. Enabled again, it is told of what happens from now on, and
-- of what waited. Another address is a fresh start. `expected` is the version that If-Match stood
-- for; 0 means any. `plain`: the new address is http.
-- in: id uuid!, body json!, plain bool!, expected int!, actor uuid!, role text!, audit_id uuid!,
--   request_id text
-- out: id uuid, _refusal text, _pointer text, _fault text
WITH old AS MATERIALIZED (
  SELECT e.*, j, $4 AND NOT c.demo AS plain, CASE WHEN jsonb_typeof(j -> 'topics') = 'array'
      THEN ARRAY(SELECT DISTINCT t FROM jsonb_array_elements_text(j -> 'topics') AS t ORDER BY t)
      WHEN NOT j ? 'topics' THEN e.topics END AS wanted
  FROM webhook_endpoint e, community c, CAST($3 AS jsonb) AS j
  WHERE e.community_id = $1 AND e.id = $2 AND e.state <> 'removed' AND c.id = $1
), judged AS MATERIALIZED (
  SELECT o.*, coalesce(j ->> 'url', url) <> url AS moves,
    CASE (j ->> 'enabled')::bool WHEN true THEN 'enabled' WHEN false THEN 'disabled'
      ELSE state END AS becomes,
    CASE WHEN $5 NOT IN (0, version) THEN 'version_changed'
         WHEN plain THEN '/url'
         WHEN cardinality(wanted) = 0 OR NOT wanted <@ webhook_types() THEN '/topics' END AS refusal
  FROM old o
), done AS (
  UPDATE webhook_endpoint e SET
    url = coalesce(n.j ->> 'url', e.url),
    description = CASE WHEN n.j ? 'description' THEN n.j ->> 'description' ELSE e.description END,
    topics = n.wanted, state = n.becomes,
    disabled_at = CASE WHEN n.becomes = e.state THEN e.disabled_at
                       WHEN n.becomes = 'disabled' THEN now() END,
    disabled_reason = CASE WHEN n.becomes = e.state THEN e.disabled_reason
                           WHEN n.becomes = 'disabled' THEN 'by_hand' END,
    since = CASE WHEN e.state = 'disabled' AND n.becomes = 'enabled' THEN pg_current_snapshot()
                 ELSE e.since END,
    failures = CASE WHEN n.moves OR n.becomes <> e.state THEN 0 ELSE e.failures END,
    failing_since = CASE WHEN n.moves OR n.becomes <> e.state THEN NULL ELSE e.failing_since END,
    rest_until = CASE WHEN n.moves OR n.becomes <> e.state THEN NULL ELSE e.rest_until END,
    updated_at = now(), version = e.version + 1
  FROM judged n
  WHERE e.community_id = $1 AND e.id = $2 AND e.version = n.version AND n.refusal IS NULL
  RETURNING e.id
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         before, after, request_id)
  SELECT $1, $8, $6, $7, 'webhook.change', 'webhook', $2, jsonb_build_object('url', n.url,
      'description', n.description, 'topics', n.topics, 'enabled', n.state = 'enabled'), n.j, $9
  FROM done, judged n
)
SELECT n.id, CASE WHEN n.refusal LIKE '/%' THEN 'body_invalid'
                  WHEN done.id IS NULL THEN 'version_changed' END,
  CASE WHEN n.refusal LIKE '/%' THEN n.refusal END,
  CASE n.refusal WHEN '/url' THEN 'not_https' ELSE 'unknown' END
FROM judged n LEFT JOIN done ON true
