-- What a process that heard nothing for a while must catch up with.
-- in: since timestamptz!, most int!
-- out: _kind text!, _community bigint!, _subject uuid!, _version bigint
-- global
-- read
SELECT kind, community_id, subject_id, token_version::bigint
FROM revocation WHERE at > $1 ORDER BY at DESC LIMIT $2
