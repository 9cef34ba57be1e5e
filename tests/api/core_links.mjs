// What happens to requests when a row is locked, an element is poisoned, or a link is lost.
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, expect, PATIENCE, race, story, uuid7 } from './lib/story.mjs';
import { makeCodes } from './lib/chosen.mjs';
import { patient, waiting } from './lib/locks.mjs';
import { Shop } from './lib/shop.mjs';
import { Wire } from './lib/wire.mjs';

// One loop, so that requests meet in batches and on one link.
const env = { LYCEUM_LOOPS: '1', LYCEUM_PACE_SCALE: '1000' };
export const server = { env };

const redeem = (api, who, code) => api.as(who).post('/v1/redemptions', { code: code.code });

async function metric(api, name) {
  const { text } = await api.get('/metrics');
  return Number(new RegExp(`^${name}(?:_total)? (\\d+)`, 'm').exec(text)?.[1]);
}

const uses = async (sql, code) =>
  (await sql`SELECT used FROM invite_code WHERE id = ${code.id}`)[0].used;

/** A row is locked by somebody at a psql prompt while `run` goes on. */
async function whileLocked({ session }, code, run) {
  const psql = await session();
  await psql.query('BEGIN');
  await psql.query('SELECT FROM invite_code WHERE id = $1 FOR UPDATE', [code.id]);
  try {
    return await run();
  } finally {
    await psql.query('ROLLBACK');
    await psql.end();
  }
}

const waitsForLock = async (sql) => (await waiting(sql)).length > 0;

const database = async (sql) => (await sql`SELECT current_database() AS name`)[0].name;

story('A locked row harms nobody else, and its own request is told in time', async (stage) => {
  const { api, people, sql, community } = stage;
  const make = await makeCodes(sql, community);
  const [locked, open] = [await make(), await make()];
  const them = await people.members(24);
  const started = Date.now();
  const replies = await whileLocked(stage, locked, () =>
    race(24, (i) => redeem(api, them[i], i % 8 ? open : locked)),
  );
  expect(Date.now() - started).atMost(15_000);
  replies.forEach((reply, i) => {
    if (i % 8) expect(reply).status(201);
    else expect(reply).problem('busy', 503).header('Retry-After', /^\d+$/);
  });
  expect(await uses(sql, open)).is(21);
  expect(await uses(sql, locked)).is(0);
  expect(await redeem(api, them[0], locked)).status(201);
});

story('A row that many want and one holds does not hold up the others', async (stage) => {
  const { api, people, sql, community } = stage;
  const make = await makeCodes(sql, community);
  const [locked, open] = [await make(), await make()];
  const them = await people.members(40);
  const others = await people.members(4);
  const [times, replies] = await whileLocked(stage, locked, async () => {
    const stuck = race(40, (i) => redeem(api, them[i], locked));
    const took = [];
    for (const who of others) {
      const began = Date.now();
      expect(await redeem(api, who, open)).status(201);
      took.push(Date.now() - began);
    }
    return [took, await stuck];
  });
  expect(Math.max(...times)).atMost(4000 * PATIENCE);
  for (const { status, body } of replies) {
    expect([status, ['busy', 'deadline'].includes(body.code)]).is([503, true]);
  }
  expect(replies.filter(({ body }) => body.code === 'busy').length).atLeast(8);
  expect([await uses(sql, open), await uses(sql, locked)]).is([4, 0]);
});

story('A poisoned element of a batch fails alone', async (stage) => {
  const { api, people, sql, forge, community } = stage;
  const code = await (await makeCodes(sql, community))();
  const them = await people.members(64);
  // A token for a member who was never there: the row that it makes breaks a foreign key.
  const nobody = { token: await forge({ ...them[0], id: uuid7() }) };
  const before = await metric(api, 'lyceum_sql_batches');
  const replies = await race(65, (i) => redeem(api, i === 32 ? nobody : them[i - (i > 32)], code));
  replies.forEach((reply, i) => expect(reply).status(i === 32 ? 500 : 201));
  expect(await uses(sql, code)).is(64);
  expect((await metric(api, 'lyceum_sql_batches')) - before).atMost(60);
});

story('A deadline passes while a row is locked, and is told as what it is', async (stage) => {
  const { api, people, sql, community, start } = stage;
  const make = await makeCodes(sql, community);
  const code = await make();
  const slow = api.on(await start({ ...env, LYCEUM_DEADLINE_MS: '150' }));
  const them = await people.members(6);
  const replies = await whileLocked(stage, code, () =>
    race(6, (i) => redeem(slow, them[i], code)),
  );
  for (const reply of replies) {
    expect(reply).status(503).header('Retry-After', /^\d+$/);
    expect(['deadline', 'outcome_unknown'].includes(reply.body.code)).isTrue(reply.body.code);
  }
  const gone = replies.filter(({ body }) => body.code === 'deadline').length;
  expect(await uses(sql, code)).atMost(6 - gone);
  await eventually(async () => (await redeem(slow, them[0], code)).status < 300);
});

story('Who waited for a link past the deadline is not asked for later', async (stage) => {
  const { api, people, sql, community, start } = stage;
  const wire = await Wire.open(await database(sql));
  const code = await (await makeCodes(sql, community))();
  const server = await start({ ...env, ...wire.env, LYCEUM_DEADLINE_MS: '300' });
  const there = api.on(server);
  const them = await people.members(8);
  wire.stick();
  wire.cut(); // they dial again, and nobody answers
  const replies = await race(8, (i) =>
    i % 2 ? redeem(there, them[i], code) : there.as(them[i]).get('/v1/lectures'),
  );
  for (const reply of replies) expect(reply).status(503).header('Retry-After', /^\d+$/);
  wire.flow();
  await eventually(async () => (await there.get('/readyz')).status === 200);
  await eventually(async () => (await redeem(there, them[0], code)).status < 300);
  expect(await uses(sql, code)).is(1);
  wire.close();
});

story('Backends are terminated in mid-batch: told honestly, and well again', async (stage) => {
  const { api, people, sql, community } = stage;
  const code = await (await makeCodes(sql, community))();
  const them = await people.members(32);
  const end = () => sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = 'lyceum_server' AND datname = current_database()
      AND (wait_event_type = 'Lock' OR query LIKE '%FROM lecture%')`;
  const replies = await whileLocked(stage, code, async () => {
    const all = race(32, (i) =>
      i % 8 === 1 ? redeem(api, them[i], code) : api.as(them[i]).get('/v1/lectures'),
    );
    const cutOff = () => sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE usename = 'lyceum_server' AND datname = current_database()
        AND wait_event_type = 'Lock'`;
    await eventually(async () => (await cutOff()).length);
    await end();
    return all;
  });
  let redeemed = 0;
  replies.forEach((reply, i) => {
    if (i % 8 !== 1) return expect(reply).status(200);
    if (reply.status === 201) return redeemed++;
    expect(reply).status(503).header('Retry-After', /^\d+$/);
    if (reply.body.code !== 'busy') expect(reply).problem('database_away');
  });
  expect(replies.filter(({ body }) => body.code === 'database_away').length).atLeast(1);
  expect(await uses(sql, code)).is(redeemed);
  await eventually(async () => (await redeem(api, them[1], code)).status < 300);
});

story('The wire is cut: reads are repeated, of writes nobody knows', patient(async (stage) => {
  const { api, people, sql, community, start } = stage;
  const wire = await Wire.open(await database(sql));
  const make = await makeCodes(sql, community);
  const [code, open] = [await make(), await make()];
  const server = await start({ ...env, ...wire.env });
  const there = api.on(server);
  const them = await people.members(8);
  const reply = await whileLocked(stage, code, async () => {
    const asked = redeem(there, them[0], code);
    await eventually(() => waitsForLock(sql));
    wire.cut();
    return asked;
  });
  expect(reply).problem('outcome_unknown', 503).header('Retry-After', /^\d+$/);
  for (let round = 0; round < 20; round++) {
    const reads = race(8, (i) => there.as(them[i]).get('/v1/lectures'));
    if (round % 2) wire.cut();
    for (const read of await reads) expect(read).status(200);
  }
  await eventually(async () => (await redeem(there, them[1], open)).status < 300);
  wire.refuse();
  expect(await redeem(there, them[2], open)).status(503).header('Retry-After', /^\d+$/);
  await eventually(async () => (await there.get('/readyz')).status === 503);
  expect(await there.as(them[2]).get('/v1/lectures')).problem('database_away', 503);
  wire.allow();
  await eventually(async () => (await there.get('/readyz')).status === 200);
  expect(await redeem(there, them[2], open)).status(201);
  wire.close();
}));

story('Codes are not seen without a trace; cut off, nobody knows of one', patient(async (stage) => {
  const { api, people, sql, start, session } = stage;
  const console = api.as(await people.operator());
  const shop = new Shop(api, await people.operator());
  const { id: plan_id } = await shop.plan();
  const code = await shop.code();
  const batch = await console.post('/v1/code-batches', { plan_id, days: 30, count: 5 });
  expect(batch).status(202);
  const done = async () => (await console.get(batch.header('Location'))).body.state === 'done';
  await eventually(done);
  const wire = await Wire.open(await database(sql));
  const server = await start({ ...env, ...wire.env });
  const psql = await session();
  for (const path of [`/v1/codes/${code.id}`, `/v1/code-batches/${batch.id}/codes.csv`]) {
    await psql.query('BEGIN');
    await psql.query('LOCK TABLE audit_log IN SHARE MODE');
    const asked = console.on(server).get(path);
    await eventually(() => waitsForLock(sql));
    wire.cut();
    expect(await asked).problem('outcome_unknown', 503).header('Retry-After', /^\d+$/);
    await psql.query('ROLLBACK');
    await eventually(async () => (await console.on(server).get(path)).status === 200);
  }
  await psql.end();
  wire.close();
}));

story('A client that goes while its request is queued leaves nothing behind', async (stage) => {
  const { api, people, sql, community } = stage;
  const make = await makeCodes(sql, community);
  const [locked, code] = [await make(), await make()];
  const them = await people.members(20);
  await whileLocked(stage, locked, async () => {
    const first = redeem(api, them[0], locked);
    const gone = them.slice(1).map((who) => {
      const stop = new AbortController();
      const asked = fetch(`${api.url}/v1/redemptions`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${who.token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ code: code.code }),
        signal: stop.signal,
      }).catch(() => {});
      setTimeout(() => stop.abort(), 20);
      return asked;
    });
    await Promise.all(gone);
    expect(await first).problem('busy', 503);
  });
  // Who had got through is a member now; either way the next answer is right.
  for (const who of them.slice(1)) {
    expect([200, 201].includes((await redeem(api, who, code)).status)).isTrue();
  }
  expect(await uses(sql, code)).is(19);
});

story('A machine that falls silent is left for the next', async (stage) => {
  const { api, people, sql, start } = stage;
  const name = await database(sql);
  const [first, second] = [await Wire.open(name), await Wire.open(name)];
  const both = first.env.DATABASE_URL.replace(/host=([^&]*)/, (host) =>
    [host, encodeURIComponent(second.folder)].join('%2C'),
  );
  const there = api.on(await start({ ...env, DATABASE_URL: both }));
  const member = await people.member();
  const read = () => there.as(member).get('/v1/lectures');
  expect(await read()).status(200);
  first.stick();
  first.cut(); // dialled again, it takes the call and says nothing
  const began = Date.now();
  await eventually(async () => (await read()).status === 200);
  expect(Date.now() - began).atMost(12_000);
  for (const wire of [first, second]) wire.close();
});

story('Told to stop, a server ends in time though PostgreSQL answers nothing', async (stage) => {
  const wire = await Wire.open(await database(stage.sql));
  const server = await stage.start({ ...env, ...wire.env });
  wire.stick();
  await sleep(1500); // what looks for jobs has asked by now, and waits
  const began = Date.now();
  expect(await server.stop()).is([]);
  wire.close();
  expect(Date.now() - began).atMost(14_000);
});
