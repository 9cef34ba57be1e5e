// Time to look: a server gives up waiting for a row after 300 ms.

/** Tells a story in which servers that it starts wait three seconds for a row. */
export const patient = (tell) => async (stage) => {
  const { sql } = stage;
  const [{ name }] = await sql`SELECT current_database() AS name`;
  const set = (how) => sql([`ALTER ROLE lyceum_server IN DATABASE "${name}" ${how}`]);
  await set(`SET lock_timeout = '3s'`);
  try {
    await tell(stage);
  } finally {
    await set('RESET lock_timeout');
  }
};

/** Those of the server's sessions that wait for a row. */
export const waiting = (sql) => sql`
  SELECT pid FROM pg_stat_activity WHERE usename = 'lyceum_server'
    AND datname = current_database() AND wait_event_type = 'Lock'`;
