-- What `lyceum doctor` wants to know of the database. The data folder is told to privileged roles
-- only.
-- in: role text!
-- out: version int!, encoding text!, now timestamptz!, durable bool!, connections_left bigint!,
--   folder text, role_there bool!, role_super bool!, role_owns bigint!, role_may_forge bool!
-- global
-- read
SELECT current_setting('server_version_num')::int,
  current_setting('server_encoding'),
  clock_timestamp(),
  current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'
    AND current_setting('synchronous_commit') <> 'off',
  current_setting('max_connections')::bigint
    - current_setting('superuser_reserved_connections')::bigint
    - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
  CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('data_directory') END,
  EXISTS (SELECT FROM pg_roles WHERE rolname = $1),
  EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND (rolsuper OR rolcreatedb OR rolcreaterole)),
  (SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = $1),
  coalesce((SELECT has_table_privilege(r.oid, to_regclass('audit_log'), 'UPDATE, DELETE, TRUNCATE')
            FROM pg_roles r WHERE r.rolname = $1), false)
