-- Accepts the current version of the rules or of the privacy notice; each acceptance is a row, and
-- accepting again changes nothing.
-- in: member uuid!, kind text!, version int!
-- out: _refusal text, kind text, version int, accepted_at timestamptz
WITH current AS (
  SELECT max(version) AS version FROM community_text WHERE community_id = $1 AND kind = $3
), given AS (
  INSERT INTO consent (community_id, member_id, kind, version, locale)
  SELECT $1, m.id, $3, c.version, m.locale
  FROM current c JOIN member m ON m.community_id = $1 AND m.id = $2
  WHERE c.version = $4
  ON CONFLICT DO NOTHING
  RETURNING accepted_at
)
SELECT CASE WHEN c.version IS NULL OR $4 > c.version THEN 'not_found'
            WHEN $4 < c.version THEN 'text_outdated' END,
       $3::text, $4::int,
       coalesce(g.accepted_at, (SELECT o.accepted_at FROM consent o
                                WHERE o.community_id = $1 AND o.member_id = $2 AND o.kind = $3
                                  AND o.version = $4))
FROM current c LEFT JOIN given g ON true
