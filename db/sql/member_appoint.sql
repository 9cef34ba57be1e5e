-- Gives an account a role: a new member, or one who was there in whatever state. An owner keeps the
-- community where nobody does yet. Tokens with the role of before are void.
-- in: id uuid!, account_id uuid!, role text!, display_name text!, locale text!, revocation_id uuid!
-- out: member_id uuid!, role text!, _version int!
WITH member_now AS (
  INSERT INTO member AS m (community_id, id, account_id, role, display_name, locale)
  VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (community_id, account_id) DO UPDATE
  SET role = excluded.role, state = 'active', state_reason = NULL, state_until = NULL,
      state_by = NULL, left_at = NULL, updated_at = now(), version = m.version + 1,
      token_version = m.token_version + 1
  RETURNING id, role, token_version
), kept AS (
  INSERT INTO community_keeper (community_id, member_id)
  SELECT $1, id FROM member_now WHERE role = 'owner'
  ON CONFLICT DO NOTHING
), revoked AS (
  INSERT INTO revocation (community_id, id, kind, subject_id, token_version)
  SELECT $1, $7, 'member', id, token_version FROM member_now WHERE token_version > 1
)
SELECT id, role, token_version FROM member_now,
  pg_notify('lyceum', 'member ' || $1 || ' ' || id || ' ' || token_version)
