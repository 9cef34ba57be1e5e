-- The demo's people as members, back in role and good standing whatever visitors did to them.
-- `people` is a list of {account_id, role, name, standing, days}.
-- in: people json!
-- out: id uuid!, role text!
WITH known AS MATERIALIZED (
  SELECT * FROM json_to_recordset($2) AS p (account_id uuid, role text, name text, days int)
), put AS (
  INSERT INTO member AS m (community_id, id, account_id, role, display_name, joined_at)
  SELECT $1, uuid7(now() - make_interval(days => days)), account_id, role, name,
         now() - make_interval(days => days)
  FROM known
  ON CONFLICT (community_id, account_id) DO UPDATE
  SET role = excluded.role, state = 'active', state_reason = NULL, state_until = NULL,
      state_by = NULL, left_at = NULL, token_version = m.token_version + 1,
      version = m.version + 1, updated_at = now()
  WHERE m.role <> excluded.role OR m.state <> 'active' OR m.left_at IS NOT NULL
  RETURNING m.id, m.role
), kept AS (
  INSERT INTO community_keeper (community_id, member_id)
  SELECT $1, id FROM put WHERE role = 'owner' LIMIT 1
  ON CONFLICT DO NOTHING
), agreed AS (
  INSERT INTO consent (community_id, member_id, kind, version)
  SELECT $1, put.id, t.kind, t.version
  FROM put, community_text t
  WHERE t.community_id = $1 AND t.kind IN ('rules', 'privacy') AND t.version = 1
  ON CONFLICT DO NOTHING
)
SELECT id, role FROM put
