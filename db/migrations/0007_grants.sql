-- The server's role. It owns nothing, makes nothing, and can't change what must not change.
-- A later migration that makes a table grants on it, under one of the same headings.

-- Roles belong to the whole cluster, and databases may be migrated side by side: whoever comes
-- second finds the role there, or collides with the first and looks again.
DO $$
DECLARE
  wanted text[] := ARRAY['lock_timeout=300ms', 'statement_timeout=4s',
                         'idle_in_transaction_session_timeout=5s'];
  setting text;
BEGIN
  FOR try IN 1 .. 20 LOOP
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lyceum_server') THEN
        CREATE ROLE lyceum_server LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
      END IF;
      FOREACH setting IN ARRAY wanted LOOP
        IF NOT EXISTS (SELECT FROM pg_roles
                       WHERE rolname = 'lyceum_server' AND rolconfig @> ARRAY[setting]) THEN
          EXECUTE format('ALTER ROLE lyceum_server SET %I = %L',
                         split_part(setting, '=', 1), split_part(setting, '=', 2));
        END IF;
      END LOOP;
      EXIT;
    EXCEPTION
      WHEN duplicate_object OR unique_violation OR internal_error OR serialization_failure THEN
        IF try = 20 THEN RAISE; END IF;
        PERFORM pg_sleep(0.05);
    END;
  END LOOP;
END $$;

DO $$
BEGIN
  EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO lyceum_server', current_database());
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO lyceum_server;

-- Append-only: what happened, happened.
GRANT SELECT, INSERT ON
  audit_log, attendance_history, attendance_policy, community_text, consent, payment, refund, scan
TO lyceum_server;

-- Terms: made, then only taken out of sale.
GRANT SELECT, INSERT, UPDATE (retired_at) ON plan TO lyceum_server;

-- Told once; then only marked as handled.
GRANT SELECT, INSERT, UPDATE (handled_at, outcome) ON payment_event TO lyceum_server;

-- Keys are made and retired; a key itself is never changed.
GRANT SELECT, INSERT, UPDATE (active_from, retired_at) ON signing_key TO lyceum_server;

-- An owner must remain: the row may move to another owner, not go.
GRANT SELECT, INSERT, UPDATE ON community_keeper TO lyceum_server;

-- Things with a life: they change and end, and their rows stay.
GRANT SELECT, INSERT, UPDATE ON
  account, app_config, campaign, code_batch, code_hold, cohort, community, enrolment, entitlement,
  invite_code, job, lecture, lecturer, member, membership, order_line, orders, payment_attempt,
  product, redemption, refund_request, rsvp, seat, series, venue
TO lyceum_server;
GRANT SELECT, INSERT, UPDATE ON attendance, presence_interval TO lyceum_server;

-- What may also go: passing state, and what erasure takes away.
GRANT SELECT, INSERT, UPDATE, DELETE ON
  banned_identity, challenge, contact_budget, credential, delivery_budget, idempotency, identity,
  mailbox, outbox_cursor, person_key, session
TO lyceum_server;
GRANT SELECT, INSERT, DELETE ON outbox, revocation TO lyceum_server;
GRANT DELETE ON seat TO lyceum_server;  -- a smaller hall
