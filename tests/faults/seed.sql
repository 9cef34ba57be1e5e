-- What a run under faults needs beside tests/bench/seed.sql: codes of a few uses.
UPDATE invite_code c SET max_uses = :uses FROM bench_code b
WHERE c.community_id = 1000 AND c.digest = decode(b.digest, 'hex') AND b.n <= :limited;
VACUUM ANALYZE;
