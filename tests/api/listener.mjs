// What was heard from the database counts only while it is certain that all was heard.
import { eventually, expect, staleFor, story } from './lib/story.mjs';

const listening = async (api) => (await api.get('/readyz')).body.listener;

/** The server processes of PostgreSQL that serve listeners. */
async function backends(sql) {
  const found = await sql`
    SELECT pid FROM pg_stat_activity WHERE datname = current_database()
      AND usename = 'lyceum_server' AND query IN ('SELECT 1', 'LISTEN lyceum')`;
  return found.map(({ pid }) => pid);
}

/** Cuts the listeners off; returns when all have new links, so each has noticed. */
async function cut(sql, count) {
  await eventually(async () => (await backends(sql)).length === count);
  const old = await backends(sql);
  await sql`SELECT pg_terminate_backend(pid) FROM unnest(${old}::int[]) pid`;
  await eventually(async () => {
    const now = await backends(sql);
    return now.length === count && !now.some((pid) => old.includes(pid));
  });
}

story('A listener that is cut off is noticed, and comes back', async ({ api, sql }) => {
  await eventually(() => listening(api));
  await cut(sql, 1);
  await eventually(() => listening(api));
});

story('A listener that hangs is not believed for longer than a second', async ({ api, sql }) => {
  await eventually(() => listening(api));
  const [pid] = await backends(sql);
  try {
    process.kill(pid, 'SIGSTOP');
  } catch {
    return; // a PostgreSQL of somebody else's
  }
  const from = performance.now();
  try {
    expect(await staleFor(from, () => listening(api), (trusts) => !trusts)).atMost(1000);
    expect((await api.get('/readyz')).status).is(200); // it serves, only not from memory
    await eventually(() => listening(api)); // by a link of its own accord
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

story('What was revoked while nobody listened is known before it is trusted', async (context) => {
  const { api, sql, people, community, start } = context;
  const member = await people.member();
  const second = api.on(await start()).as(member);
  expect(await second.get('/v1/me')).status(200);
  const [{ id }] = await sql`
    UPDATE session SET revoked_at = now(), revoked_reason = 'revoked'
    WHERE member_id = ${member.id} AND revoked_at IS NULL RETURNING id`;
  await sql`INSERT INTO revocation (community_id, id, kind, subject_id)
            VALUES (${community.id}, uuid7(), 'session', ${id})`; // and no NOTIFY
  await cut(sql, 2);
  await eventually(async () => (await second.get('/v1/me')).status === 401);
  await eventually(() => listening(second));
  expect(await second.get('/v1/me')).problem('session_ended', 401);
});
