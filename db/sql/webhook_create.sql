-- Makes an endpoint, unless all slots are taken. `plain`: its address is http.
-- in: id uuid!, url text!, plain bool!, description text, topics json, secret bytea!, actor uuid!,
--   role text!, audit_id uuid!, request_id text
-- out: id uuid, _refusal text, _pointer text, _fault text
WITH given AS MATERIALIZED (
  SELECT $4 AND NOT c.demo AS plain, w.topics,
    cardinality(w.topics) = 0 OR NOT w.topics <@ webhook_types() AS odd
  FROM community c, (
    SELECT CASE WHEN jsonb_typeof($6::jsonb) = 'array' THEN ARRAY(
      SELECT DISTINCT t FROM jsonb_array_elements_text($6::jsonb) AS t ORDER BY t) END AS topics
  ) AS w
  WHERE c.id = $1
), made AS MATERIALIZED (
  SELECT webhook_add($1, $2, $3, $5, topics, $7, $8) AS good FROM given
  WHERE NOT plain AND NOT coalesce(odd, false)
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $10, $8, $9, 'webhook.create', 'webhook', $2,
    jsonb_build_object('url', $3, 'description', $5, 'topics', g.topics), $11
  FROM given g, made WHERE made.good
)
SELECT $2, CASE WHEN g.plain OR g.odd THEN 'body_invalid'
                WHEN NOT made.good THEN 'webhooks_full' END,
  CASE WHEN g.plain THEN '/url' WHEN g.odd THEN '/topics' END,
  CASE WHEN g.plain THEN 'not_https' WHEN g.odd THEN 'unknown' END
FROM given g LEFT JOIN made ON true
