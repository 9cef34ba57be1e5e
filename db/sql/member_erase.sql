-- Takes from a member what tells who they were; the row stays, for what others keep of it: facts of
-- orders, attendance counts, the audit log. If they keep the community, another owner does from now
-- on; without one the keys of community_keeper refuse, and the job comes again.
-- in: account uuid!, contacts text[]!
-- out: _id uuid!
WITH who AS (
  SELECT id FROM member WHERE community_id = $1 AND account_id = $2
), handed AS (
  UPDATE community_keeper k SET member_id = o.id
  FROM who, LATERAL (
    SELECT o.id FROM member o
    WHERE o.community_id = $1 AND o.id <> who.id AND o.keeps ORDER BY o.id LIMIT 1) o
  WHERE k.community_id = $1 AND k.member_id = who.id
  RETURNING k.member_id
), devices AS (
  DELETE FROM session s USING who WHERE s.community_id = $1 AND s.member_id = who.id
), asked AS (
  DELETE FROM challenge WHERE community_id = $1 AND subject = ANY ($3)
), said AS (
  UPDATE order_line l SET note = NULL FROM who, orders o
  WHERE o.community_id = $1 AND o.member_id = who.id
    AND l.community_id = $1 AND l.order_id = o.id AND l.note IS NOT NULL
), wished AS (
  UPDATE gift g SET message = NULL FROM who
  WHERE g.community_id = $1 AND g.giver_id = who.id AND g.message IS NOT NULL
), billed AS (
  -- An invoice that was issued keeps its number and amount; what the law wants of the rest is where
  -- it was issued. One that still waits can't be made out to anybody any more.
  UPDATE invoice_request i SET sealed = NULL, erased_at = now(), version = i.version + 1,
    state = CASE i.state WHEN 'asked' THEN 'withdrawn' ELSE i.state END,
    decided_at = coalesce(i.decided_at, now())
  FROM who WHERE i.community_id = $1 AND i.member_id = who.id AND i.erased_at IS NULL
), shown AS (
  DELETE FROM mailbox WHERE community_id = $1 AND recipient = ANY ($3)
)
UPDATE member m SET
  display_name = '—', bio = NULL, role = 'guest', spend_limit_minor = NULL,
  state_reason = CASE WHEN m.state <> 'active' THEN '—' END,
  left_at = coalesce(m.left_at, now()), token_version = m.token_version + 1,
  version = m.version + 1, updated_at = now()
FROM who WHERE m.community_id = $1 AND m.id = who.id
RETURNING m.id
