-- Writes down who did what, where the statement that did it does not say so itself.
-- in: id uuid!, actor_id uuid, actor_role text, via text!, action text!, target_kind text,
--   target_id uuid, after json, reason text
INSERT INTO audit_log (community_id, id, actor_id, actor_role, via, action, target_kind, target_id,
                       after, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10)
