// Answers from memory: never older than what a writer was told, in this process or another.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, race, staleFor, story } from './lib/story.mjs';
import { School } from './lib/school.mjs';
import { Wire } from './lib/wire.mjs';

const env = { LYCEUM_LOOPS: '2', LYCEUM_PACE_SCALE: '1000' };
export const server = { env };
const ROUNDS = Number(process.env.CORE_ROUNDS ?? 2000);

async function open(stage) {
  const school = new School(stage);
  const operator = stage.api.as(await school.person('operator'));
  const id = await school.lecture(600);
  const path = `${stage.community.path}/lectures`;
  const change = (minutes, api = operator) => api.patch(`/v1/lectures/${id}`, { minutes });
  const shown = async (api) => (await api.get(path)).body.data[0].minutes;
  return { operator, path, change, shown };
}

/** Reads the same schedule as fast as it goes until `run` is done. */
async function underLoad(url, run) {
  let done = false;
  const readers = race(6, async () => {
    while (!done) await (await fetch(url)).text();
  });
  try {
    return await run();
  } finally {
    done = true;
    await readers;
  }
}

story('A change is seen by whoever asks after it was answered, under load', async (stage) => {
  const { api } = stage;
  const { path, change, shown } = await open(stage);
  const until = Date.now() + 90_000;
  let rounds = 0;
  await underLoad(`${api.url}${path}`, async () => {
    for (; rounds < ROUNDS && Date.now() < until; rounds++) {
      const minutes = 1 + (rounds % 200);
      expect(await change(minutes)).status(200);
      expect(await race(2, () => shown(api))).is([minutes, minutes]);
    }
  });
  expect(rounds).atLeast(Math.min(ROUNDS, 50));
  const { text } = await api.get('/metrics');
  const remembered = /^lyceum_answers_from_memory_total (\d+)/m.exec(text)[1];
  expect(Number(remembered)).atLeast(rounds);
});

story('Another process shows it within a second', async (stage) => {
  const { api, start } = stage;
  const { change, shown } = await open(stage);
  const far = api.on(await start(env));
  for (let minutes = 1; minutes <= 40; minutes++) {
    await shown(far);
    expect(await change(minutes)).status(200);
    const answered = performance.now();
    expect(await staleFor(answered, () => shown(far), (shows) => shows === minutes)).atMost(1000);
  }
});

story('Memory is a second old at most when the listening link is cut, or hangs', async (stage) => {
  const { api, sql, start } = stage;
  const { change, shown } = await open(stage);
  const wire = await Wire.open((await sql`SELECT current_database() AS name`)[0].name);
  const deaf = await start({ ...env, ...wire.env });
  const far = api.on(deaf);
  for (let minutes = 1; minutes <= 12; minutes++) {
    await shown(far);
    await sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND usename = 'lyceum_server'
        AND query IN ('SELECT 1', 'LISTEN lyceum')`;
    expect(await change(minutes)).status(200);
    const answered = performance.now();
    expect(await staleFor(answered, () => shown(far), (shows) => shows === minutes)).atMost(1000);
  }
  // A network that swallows everything: a second later the database is asked, and can't be.
  expect(await change(77)).status(200);
  wire.stick();
  expect(await change(78)).status(200);
  await sleep(1000);
  const reply = await far.get(`${stage.community.path}/lectures`);
  expect(reply.status === 503 || reply.body.data[0].minutes === 78).isTrue(reply.text);
  wire.flow();
  expect(await deaf.stop()).is([]);
  wire.close();
});
