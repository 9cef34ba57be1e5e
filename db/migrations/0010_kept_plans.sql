-- Plans of prepared statements are kept, and tables grow under them: what was cheapest on an almost
-- empty table (reading all of it) is a disaster on a million rows, until somebody analyzes it. The
-- server looks rows up by key; it never reads a whole table because that table is small today.
-- And no compiling: for statements this short it costs more than they do.
DO $$
DECLARE
  wanted text[] := ARRAY['enable_seqscan=off', 'jit=off'];
  setting text;
BEGIN
  FOR try IN 1 .. 20 LOOP  -- as in 0007: databases of one cluster may be migrated side by side
    BEGIN
      FOREACH setting IN ARRAY wanted LOOP
        IF NOT EXISTS (SELECT FROM pg_roles
                       WHERE rolname = 'lyceum_server' AND rolconfig @> ARRAY[setting]) THEN
          EXECUTE format('ALTER ROLE lyceum_server SET %I = %L',
                         split_part(setting, '=', 1), split_part(setting, '=', 2));
        END IF;
      END LOOP;
      EXIT;
    EXCEPTION
      WHEN internal_error OR serialization_failure THEN
        IF try = 20 THEN RAISE; END IF;
        PERFORM pg_sleep(0.05);
    END;
  END LOOP;
END $$;
