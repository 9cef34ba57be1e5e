// How a server comes and goes: wrongly set up, before its database, and with clients who take
// nothing of what they asked for.
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, expect, story } from './lib/story.mjs';
import { urlOf } from './lib/database.mjs';
import { Wire } from './lib/wire.mjs';

const env = { LYCEUM_LOOPS: '2', LYCEUM_PACE_SCALE: '1000' };
export const server = { env };

const databaseOf = async (sql) => (await sql`SELECT current_database() AS name`)[0].name;

/** Connections of their own, one after the other, while `run` goes on: what they were answered. */
async function askingMeanwhile(server, run) {
  const answers = [];
  let going = true;
  const asking = (async () => {
    while (going) {
      const one = fetch(`${server.url}/healthz`, { headers: { Connection: 'close' } });
      answers.push(await one.then(({ status }) => status, ({ cause }) => cause.code));
    }
  })();
  try {
    await run();
  } finally {
    going = false;
    await asking;
  }
  return answers;
}

story('What can never serve says why, and takes no connection from who serves', async (stage) => {
  const { server: good, lyceum } = stage;
  const url = (database) => urlOf(process.env.LYCEUM_TEST_PG, database);
  const wrong = {
    [url('nowhere')]: /database "nowhere" does not exist/,
    [url('template1')]: /lacks \d+ migrations: run `lyceum migrate` first/,
    'postgresql://x:y:z/%%': /DATABASE_URL can't be read/,
    '': /DATABASE_URL is not set/,
  };
  const all = [];
  for (const [DATABASE_URL, why] of Object.entries(wrong)) {
    const began = Date.now();
    let run;
    const answers = await askingMeanwhile(good, async () => {
      run = await lyceum('serve', { env: { ...env, PORT: String(good.port), DATABASE_URL } }).done;
    });
    expect([run.code, run.signal]).is([1, null]);
    expect(run.err).matches(why);
    expect(Date.now() - began).atMost(20_000);
    all.push(...answers); // some end before many can have asked
    expect(answers.filter((status) => status !== 200)).is([]);
  }
  expect(all.length).atLeast(4);
});

story('A server that is there before its database says so, and needs no restart', async (stage) => {
  const { api, launch, sql, people } = stage;
  const wire = await Wire.open(await databaseOf(sql));
  const member = await people.member();
  wire.refuse();
  const early = launch({ ...env, ...wire.env });
  const ready = early.ready();
  const answers = () => fetch(`${early.url}/healthz`).then((r) => r.ok, () => false);
  await eventually(() => early.port > 0 && answers());
  const there = api.on(early);
  expect(early.said).matches(/the database is away \(.*it is looked for each second/s);
  expect(await there.get('/readyz')).status(503).header('Retry-After', /^\d+$/);
  const refused = await there.as(member).get('/v1/me');
  expect(refused).problem('database_away', 503).header('Retry-After', /^\d+$/);
  await sleep(1500);
  wire.allow();
  const began = Date.now();
  await ready;
  expect(Date.now() - began).atMost(20_000);
  expect(await there.as(member).get('/v1/me')).status(200);
  expect(await early.stop()).is([]);
  wire.close();
});

story('A database that comes late and does not fit ends the wait', async (stage) => {
  const { launch } = stage;
  const wire = await Wire.open('template1');
  wire.refuse();
  const early = launch({ ...env, ...wire.env });
  await eventually(() => /waiting_for_database/.test(early.said));
  wire.allow();
  await early.ended;
  expect(early.code).is(1);
  expect(early.said).matches(/lacks \d+ migrations/);
  early.killed = true; // it was to end so
  wire.close();
});

/** A connection that asks for much, and reads nothing of it; resolves when it has ended. */
function asksAndSleeps(port) {
  const ask = 'GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n';
  const socket = net.connect(port, '127.0.0.1', () => socket.write(ask.repeat(100)));
  socket.pause().on('error', () => {});
  return socket;
}

const open = async (api) =>
  Number(/^lyceum_connections (\d+)/m.exec((await api.get('/metrics')).text)[1]);

story('Who reads nothing does not hold up a server that is to stop', async ({ start }) => {
  const server = await start(env);
  const sockets = Array.from({ length: 20 }, () => asksAndSleeps(server.port));
  await sleep(1000);
  const began = Date.now();
  expect(await server.stop()).is([]);
  expect(Date.now() - began).atMost(12_000); // not the 15 s of those who won't go
  for (const socket of sockets) socket.destroy();
});

story('Who reads nothing is cut off in time; who reads slowly is not', async ({ api, start }) => {
  const there = api.on(await start(env));
  const before = await open(there);
  const slow = asksAndSleeps(there.port);
  let came = 0;
  slow.on('data', (bytes) => (came += bytes.length));
  const sips = setInterval(() => slow.resume() && setTimeout(() => slow.pause(), 20), 500);
  const asleep = Array.from({ length: 20 }, () => asksAndSleeps(there.port));
  await eventually(async () => (await open(there)) >= before + 21);
  const began = Date.now();
  await eventually(async () => (await open(there)) <= before + 1, 120_000);
  expect(Date.now() - began).atMost(30_000);
  clearInterval(sips);
  slow.resume();
  const whole = 100 * Buffer.byteLength(await (await fetch(`${there.url}/openapi.json`)).text());
  await eventually(() => came >= whole);
  for (const socket of [slow, ...asleep]) socket.destroy();
});
