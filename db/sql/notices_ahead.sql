-- Is something told of under transaction ids that this PostgreSQL has not come to yet? Then it was
-- dumped from another one, and notices and webhooks wait for those ids.
-- out: ahead bool!
-- global
-- read
SELECT EXISTS (SELECT FROM outbox_cursor WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()))
  OR EXISTS (SELECT FROM outbox WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()))
  OR EXISTS (SELECT FROM webhook_endpoint
             WHERE pg_snapshot_xmax(since) > pg_snapshot_xmax(pg_current_snapshot()))
