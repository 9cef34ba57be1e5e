-- Refreshes a session. The newest token is exchanged for its successor; the one before it is good
-- for ten seconds more and gives the same successor, for the answer may have been lost, or twenty
-- tabs asked at once. Any older one was stolen or copied: the session ends. All in one UPDATE, so
-- that whoever waited for the row decides by what is there then.
-- in: session uuid!, digest bytea!, next_digest bytea!, days int!
-- out: _refusal text, id uuid, display_name text, role text, state text, locale text,
--   joined_at timestamptz, _account uuid, _version int, _session_expires_at timestamptz,
--   _ended bool!, _told bigint!
-- again: safe
WITH turned AS (
  UPDATE session s SET
    refresh_count = s.refresh_count + (s.refresh_digest = $3)::int,
    previous_digest = CASE WHEN s.refresh_digest = $3 THEN $3 ELSE s.previous_digest END,
    refresh_digest = CASE WHEN s.refresh_digest = $3 THEN $4 ELSE s.refresh_digest END,
    rotated_at = CASE WHEN s.refresh_digest = $3 THEN now() ELSE s.rotated_at END,
    expires_at = CASE WHEN s.refresh_digest = $3 THEN now() + make_interval(days => $5)
                      ELSE s.expires_at END,
    last_seen_at = now(),
    revoked_at = CASE
      WHEN s.refresh_digest = $3
        OR s.previous_digest = $3 AND s.rotated_at > now() - interval '10 seconds'
      THEN NULL ELSE now() END,
    revoked_reason = CASE
      WHEN s.refresh_digest = $3
        OR s.previous_digest = $3 AND s.rotated_at > now() - interval '10 seconds'
      THEN NULL ELSE 'reuse' END
  WHERE s.community_id = $1 AND s.id = $2 AND s.revoked_at IS NULL AND s.expires_at > now()
  RETURNING s.id, s.account_id, s.member_id, s.expires_at, s.revoked_at IS NOT NULL AS ended
), noted AS (
  INSERT INTO revocation (community_id, id, kind, subject_id)
  SELECT $1, uuid7(), 'session', id FROM turned WHERE ended
)
SELECT CASE WHEN t.id IS NULL OR t.ended THEN 'session_ended'
            WHEN m.id IS NULL THEN 'session_ended'
            WHEN member_state(m, now()) = 'banned' THEN 'member_banned'
            WHEN member_state(m, now()) = 'suspended' THEN 'member_suspended' END,
       m.id, m.display_name, m.role, member_state(m, now()), m.locale, m.joined_at, t.account_id,
       m.token_version, t.expires_at, coalesce(t.ended, false),
       (SELECT count(pg_notify('lyceum', 'session ' || id)) FROM turned WHERE ended)
FROM (SELECT) AS always
LEFT JOIN turned t ON true
LEFT JOIN member m ON m.community_id = $1 AND m.id = t.member_id AND m.left_at IS NULL
