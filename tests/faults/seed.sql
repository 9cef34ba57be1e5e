-- What a run under faults needs beside tests/bench/seed.sql: sessions that are there, for they are
-- asked of the database while notifications can't be relied on, and codes of a few uses.
INSERT INTO session (community_id, id, account_id, member_id, refresh_digest, expires_at)
SELECT 1000, uuid7(), account_id, id, decode(md5(id::text) || md5(n::text), 'hex'),
       now() + interval '1 day'
FROM bench_member;
UPDATE invite_code c SET max_uses = :uses FROM bench_code b
WHERE c.community_id = 1000 AND c.digest = decode(b.digest, 'hex') AND b.n <= :limited;
VACUUM ANALYZE;
