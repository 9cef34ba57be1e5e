-- promise: the server's role can't change the audit log
-- expect: 42501
SET ROLE lyceum_server;
UPDATE audit_log SET action = 'x.y';
-- promise: the server's role can't delete from the audit log
-- expect: 42501
SET ROLE lyceum_server;
DELETE FROM audit_log;
-- promise: the server's role can't empty a table
-- expect: 42501
SET ROLE lyceum_server;
TRUNCATE session;
-- promise: the server's role can't alter a table
-- expect: 42501
SET ROLE lyceum_server;
ALTER TABLE member ADD COLUMN x int;
-- promise: the server's role can't drop a constraint
-- expect: 42501
SET ROLE lyceum_server;
ALTER TABLE invite_code DROP CONSTRAINT invite_code_used;
-- promise: the server's role can't make a table
-- expect: 42501
SET ROLE lyceum_server;
CREATE TABLE x (y int);
-- promise: the server's role owns nothing
-- expect: = 0
SELECT count(*) FROM pg_class WHERE relowner = 'lyceum_server'::regrole;
-- promise: append-only tables grant no more than reading and adding
-- expect: = 0
SELECT count(*) FROM unnest(ARRAY['audit_log', 'attendance_history', 'attendance_policy',
  'community_text', 'consent',
  'payment', 'refund', 'scan']) t
WHERE has_any_column_privilege('lyceum_server', t, 'UPDATE')
  OR has_table_privilege('lyceum_server', t, 'DELETE, TRUNCATE, TRIGGER');
-- promise: every table of ours is granted to the server
-- expect: = 
SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = 'public'::regnamespace
  AND relkind = 'r'
  AND relname NOT IN ('migration', 'schema_migration', 'schema_migrations')
  AND NOT has_table_privilege('lyceum_server', oid, 'SELECT, INSERT');
-- promise: the server's role gives up before a request does
-- expect: = 3
SELECT count(*) FROM pg_roles, unnest(rolconfig) s WHERE rolname = 'lyceum_server'
  AND s IN ('lock_timeout=300ms', 'statement_timeout=4s', 'idle_in_transaction_session_timeout=5s');
-- promise: every key, unique and exclusion of a community table carries community_id
-- expect: = 
SELECT string_agg(i.indexrelid::regclass::text, ' ') FROM pg_index i
  JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'community_id'
WHERE t.relnamespace = 'public'::regnamespace AND (i.indisunique OR i.indisexclusion)
  AND NOT a.attnum = ANY (i.indkey);
-- promise: every foreign key between community tables carries community_id on both sides
-- expect: = 
SELECT string_agg(k.conname, ' ') FROM pg_constraint k
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attname = 'community_id'
WHERE k.contype = 'f' AND NOT a.attnum = ANY (k.conkey);
-- promise: no trigger of ours, no ON DELETE or ON UPDATE action
-- expect: = 0
SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal)
  + (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND (confdeltype <> 'a'
    OR confupdtype <> 'a'));
-- promise: an idempotency key has one answer
-- expect: idempotency_pkey
INSERT INTO idempotency (community_id, caller, key, request_hash)
  VALUES (:c, :cat, 'k', 'h'), (:c, :cat, 'k', 'h');
-- promise: a passing failure is not kept as an answer
-- expect: idempotency_status
INSERT INTO idempotency (community_id, caller, key, request_hash, status)
  VALUES (:c, :cat, 'k', 'h', 503);
-- promise: a job's progress stays within its total
-- expect: job_progress
INSERT INTO job (community_id, id, kind, total, done, failed) VALUES (:c, :new1, 'x', 10, 9, 2);
-- promise: a running job has a lease
-- expect: job_taken
INSERT INTO job (community_id, id, kind, state) VALUES (:c, :new1, 'x', 'running');
