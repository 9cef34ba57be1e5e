-- Changes how a member wants to be told, by a merge patch.
-- in: member uuid!, body json!, role text!, audit_id uuid!, request_id text
-- out: _kept bigint!
WITH kept AS (
  INSERT INTO notice_preference (community_id, member_id, notice, way)
  SELECT $1, $2, key, value FROM jsonb_each_text($3::jsonb)
  WHERE key IN ('welcome', 'renewal', 'failed', 'ending', 'ended', 'gift_claimed')
    AND value IS NOT NULL
  ON CONFLICT (community_id, member_id, notice) DO UPDATE SET way = excluded.way
  RETURNING 1
), audited AS (
  INSERT INTO audit_log (community_id, id, actor_id, actor_role, action, target_kind, target_id,
                         after, request_id)
  SELECT $1, $5, $2, $4, 'notices.change', 'member', $2, $3::jsonb, $6
)
SELECT count(*) FROM kept
