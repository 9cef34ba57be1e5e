// One key, one effect: at once, after a kill, when nobody knows whether it was done; and a server
// that is told to stop, or has hardly begun.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, expect, figure, race, story } from './lib/story.mjs';
import { patient, waiting } from './lib/locks.mjs';
import { School, wall } from './lib/school.mjs';

const env = { LYCEUM_LOOPS: '2', LYCEUM_PACE_SCALE: '1000' };
export const server = { env };

const draft = (more = {}) => ({
  title: { en: 'Once' },
  local_start: wall(600),
  time_zone: 'UTC',
  minutes: 60,
  ...more,
});
const lectures = async ({ sql, community }) =>
  (await sql`SELECT count(*)::int AS n FROM lecture WHERE community_id = ${community.id}`)[0].n;

/** Whatever stores a key takes its time to commit: long enough to look at it, or to kill. */
async function whileCommitsTake({ sql }, seconds, run) {
  await sql`
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(TG_ARGV[0]::float8); RETURN NULL; END'`;
  await sql`GRANT EXECUTE ON FUNCTION dawdle() TO PUBLIC`;
  await sql([
    `CREATE CONSTRAINT TRIGGER dawdles AFTER INSERT ON idempotency
     DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle(${seconds})`,
  ]);
  try {
    return await run();
  } finally {
    await sql`DROP TRIGGER dawdles ON idempotency`;
    await sql`DROP FUNCTION dawdle()`;
  }
}

const dawdling = async (sql) =>
  (await sql`
    SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep'`)[0].n;

story('Of many with one key at once one does it; all others see that', async (stage) => {
  const { api, random } = stage;
  const operator = api.as(await new School(stage).person('operator'));
  for (let round = 1; round <= 10; round++) {
    const keyed = operator.with({ 'Idempotency-Key': random() });
    const body = draft({ minutes: round });
    const replies = await race(12, () => keyed.post('/v1/lectures', body));
    const made = replies.filter(({ status }) => status === 201);
    for (const reply of replies) {
      if (reply.status !== 201) expect(reply).problem('idempotency_in_flight', 409);
      else expect(reply).text(made[0].text);
    }
    expect(made.filter((one) => !one.header('Idempotent-Replayed')).length).is(1);
    expect(await lectures(stage)).is(round);
  }
});

story('Who looked before another committed does not do it again', patient(async (stage) => {
  const { api, session, community, random, sql, start } = stage;
  const operator = await new School(stage).person('operator');
  const key = random();
  const keyed = api.on(await start(env)).as(operator).with({ 'Idempotency-Key': key });
  const other = await session();
  await other.query('BEGIN');
  await other.query(
    `INSERT INTO idempotency (community_id, caller, key, request_hash, status, headers, body)
     VALUES ($1, $2, $3, 'x', 201, '', '{}')`,
    [community.id, operator.id, key],
  );
  const asked = keyed.post('/v1/lectures', draft());
  await eventually(async () => (await waiting(sql)).length);
  await other.query('COMMIT');
  await other.end();
  expect(await asked).problem('idempotency_in_flight', 409).header('Location', null);
  expect(await lectures(stage)).is(0);
  expect(await keyed.post('/v1/lectures', draft())).problem('idempotency_mismatch', 422);
}));

story('Different keys keep out of each other’s way', async (stage) => {
  const operator = stage.api.as(await new School(stage).person('operator'));
  const replies = await race(40, (i) =>
    operator.with({ 'Idempotency-Key': `${i}-${stage.random()}` }).post('/v1/lectures', draft()),
  );
  replies.forEach((reply) => expect(reply).status(201));
  expect(await lectures(stage)).is(40);
});

story('Killed between effect and answer: the same key tells what was done', async (stage) => {
  const { api, sql, start, random } = stage;
  const doomed = await start(env);
  const keyed = api
    .as(await new School(stage).person('operator'))
    .with({ 'Idempotency-Key': random() });
  const body = draft();
  await whileCommitsTake(stage, 3, async () => {
    const lost = keyed.on(doomed).post('/v1/lectures', body).catch((error) => error.code);
    await eventually(() => dawdling(sql));
    await doomed.kill();
    expect(await lost).is('ECONNRESET');
    await eventually(async () => !(await dawdling(sql)));
  });
  expect(await lectures(stage)).is(1);
  const second = await start(env);
  const replay = await keyed.on(second).post('/v1/lectures', body);
  expect(replay).status(201).header('Idempotent-Replayed', 'true').header('Location');
  expect(await keyed.post('/v1/lectures', body)).status(201).text(replay.text);
  expect(await keyed.post('/v1/lectures', draft({ minutes: 61 }))).problem(
    'idempotency_mismatch',
    422,
  );
  expect(await lectures(stage)).is(1);
  expect(await second.stop()).is([]);
});

story('What was answered is answered again, to the byte, after a restart', async (stage) => {
  const { api, start, random } = stage;
  const operator = api.as(await new School(stage).person('operator'));
  const asks = Array.from({ length: 20 }, (_, i) => [
    operator.with({ 'Idempotency-Key': random() }),
    draft({ minutes: i % 4 ? 30 + i : 0 }), // and some refusals
  ]);
  const round = async (at) => {
    const replies = [];
    for (const [keyed, body] of asks) replies.push(await keyed.on(at).post('/v1/lectures', body));
    return replies;
  };
  const first = await start(env);
  const before = await round(first);
  expect(await first.stop()).is([]);
  const second = await start(env);
  const after = await round(second);
  expect(await second.stop()).is([]);
  let made = 0;
  const differ = before.filter((reply, i) => {
    made += reply.status === 201;
    const same = reply.status === after[i].status && reply.bytes.equals(after[i].bytes);
    const place = reply.header('Location') === after[i].header('Location');
    return reply.status === 201 && !(same && place);
  });
  expect(made).is(15);
  expect(await lectures(stage)).is(15);
  figure('replay', differ.length, `of ${made}`);
});

story('Killed at any moment: each key has one effect', async (stage) => {
  const { api, start, random } = stage;
  const operator = api.as(await new School(stage).person('operator'));
  let victim = await start(env);
  for (let round = 1; round <= 6; round++) {
    const keyed = operator.with({ 'Idempotency-Key': random() });
    const body = draft({ minutes: round });
    const lost = keyed.on(victim).post('/v1/lectures', body).catch(() => {});
    await sleep(round - 1);
    await victim.kill();
    await lost;
    victim = await start(env);
    // What was begun may still hold the key until PostgreSQL has noticed.
    const reply = await eventually(async () => {
      const tried = await keyed.on(victim).post('/v1/lectures', body);
      return ![409, 503].includes(tried.status) && tried;
    });
    expect(reply).status(201);
    expect(await lectures(stage)).is(round);
  }
  expect(await victim.stop()).is([]);
});

story('A deadline passes while it commits: the key finds out', async (stage) => {
  const { api, sql, start, random } = stage;
  const hasty = await start({ ...env, LYCEUM_DEADLINE_MS: '1500' });
  const keyed = api
    .as(await new School(stage).person('operator'))
    .on(hasty)
    .with({ 'Idempotency-Key': random() });
  const body = draft();
  await whileCommitsTake(stage, 3, async () => {
    expect(await keyed.post('/v1/lectures', body))
      .problem('outcome_unknown', 503)
      .header('Retry-After', /^\d+$/);
    await eventually(async () => !(await dawdling(sql)));
  });
  expect(await lectures(stage)).is(1);
  const replay = await eventually(async () => {
    const tried = await keyed.post('/v1/lectures', body);
    return tried.status !== 503 && tried;
  });
  expect(replay).status(201).header('Idempotent-Replayed', 'true');
  expect(await lectures(stage)).is(1);
  expect(await hasty.stop()).is([]);
});

story('Who waits for a transaction past the deadline has done nothing', async (stage) => {
  const { api, sql, start, random } = stage;
  const hasty = await start({ ...env, LYCEUM_LOOPS: '1', LYCEUM_DEADLINE_MS: '1500' });
  const operator = api.as(await new School(stage).person('operator')).on(hasty);
  await whileCommitsTake(stage, 3.5, async () => {
    const first = operator.with({ 'Idempotency-Key': random() }).post('/v1/lectures', draft());
    await eventually(() => dawdling(sql));
    const others = await race(8, () =>
      operator.with({ 'Idempotency-Key': random() }).post('/v1/lectures', draft()),
    );
    others.forEach((reply) => expect(reply).problem('deadline', 503));
    expect(await first).problem('outcome_unknown', 503);
  });
  await eventually(async () => !(await dawdling(sql)));
  expect(await lectures(stage)).is(1);
  await eventually(async () => (await operator.post('/v1/lectures', draft())).status === 201);
  expect(await hasty.stop()).is([]);
});

story('The link is lost between effect and commit: nothing was done', async (stage) => {
  const { api, sql, random } = stage;
  const keyed = api
    .as(await new School(stage).person('operator'))
    .with({ 'Idempotency-Key': random() });
  const body = draft();
  await whileCommitsTake(stage, 3, async () => {
    const asked = keyed.post('/v1/lectures', body);
    await eventually(() => dawdling(sql));
    await sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event = 'PgSleep'`;
    expect(await asked).problem('outcome_unknown', 503);
  });
  expect(await lectures(stage)).is(0);
  const reply = await eventually(async () => {
    const tried = await keyed.post('/v1/lectures', body);
    return tried.status !== 503 && tried;
  });
  expect(reply).status(201).header('Idempotent-Replayed', null);
  expect(await lectures(stage)).is(1);
});

/** One keep-alive connection, without the client's own wisdom. */
function line(port) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  return (method, path, headers = {}, body) =>
    new Promise((done, fail) => {
      const asked = http.request({ host: '127.0.0.1', port, method, path, headers, agent });
      asked.on('error', fail).on('response', (reply) => {
        let text = '';
        reply.on('data', (part) => (text += part));
        reply.on('end', () => done({ status: reply.statusCode, headers: reply.headers, text }));
      });
      asked.end(body);
    });
}

story('Told to stop: who is there is answered once more, who comes late is refused', async (stage) => {
  const { api, sql, start, random } = stage;
  const stopping = await start(env);
  const operator = api.as(await new School(stage).person('operator')).on(stopping);
  const open = line(stopping.port);
  const late = line(stopping.port);
  for (const each of [open, late]) expect((await each('GET', '/healthz')).status).is(200);
  await whileCommitsTake(stage, 3.5, async () => {
    const keyed = operator.with({ 'Idempotency-Key': random() });
    const asked = keyed.post('/v1/lectures', draft());
    await eventually(() => dawdling(sql));
    const stopped = stopping.stop();
    const knock = () => line(stopping.port)('GET', '/healthz').then(() => '', ({ code }) => code);
    await eventually(async () => (await knock()) === 'ECONNREFUSED');
    const served = await open('GET', '/v1/app-config');
    expect([served.status, served.headers.connection]).is([200, 'close']);
    await sleep(1100);
    const refused = await late('GET', '/v1/app-config');
    expect([refused.status, refused.headers.connection]).is([503, 'close']);
    expect(await asked).status(201).header('Connection', 'close');
    expect(await stopped).is([]);
    expect(stopping.code).is(0);
  });
  expect(await lectures(stage)).is(1);
});

story('Told to stop when it has hardly begun: it ends well, too', async ({ start, sql }) => {
  for (let round = 0; round < 4; round++) {
    const young = await start({ ...env, LYCEUM_LOOPS: String(1 + (round % 2)) });
    await sql`SELECT pg_notify('lyceum', 'keys')`;
    await sleep(round * 20);
    expect(await young.stop()).is([]);
  }
});

story('64 connections with every verb at once', async (stage) => {
  const { api, community } = stage;
  const school = new School(stage);
  const operator = await school.person('operator');
  const id = await school.lecture(600);
  const signed = { Authorization: `Bearer ${operator.token}` };
  const json = { ...signed, 'Content-Type': 'application/json' };
  const asks = [
    ['GET', `${community.path}/lectures`, {}, undefined, [200]],
    ['HEAD', `/v1/lectures/${id}`, signed, undefined, [200]],
    ['PATCH', `/v1/lectures/${id}`, json, '{"minutes":45}', [200]],
    ['POST', '/v1/lectures', json, JSON.stringify(draft()), [201]],
    ['OPTIONS', '/v1/lectures', {}, undefined, [204]],
    ['PUT', '/v1/lectures', signed, undefined, [405]],
    ['DELETE', `/v1/lectures/${id}`, signed, undefined, [405]],
    ['POST', '/v1/lectures', json, '{', [400]],
    ['GET', '/v1/lectures?limit=0', signed, undefined, [400]],
    ['POST', '/v1/redemptions', json, '{"code":"NOTHING-LIKE-IT"}', [404, 422, 429]],
  ];
  let putOff = 0;
  await race(64, async (n) => {
    const ask = line(api.port);
    for (let i = 0; i < 12; i++) {
      const [method, path, headers, body, wanted] = asks[(n + i) % asks.length];
      const key = { 'Idempotency-Key': `${n}-${i}-${community.id}` };
      const keyed = method === 'POST' ? { ...headers, ...key } : headers;
      const { status, text } = await ask(method, path, keyed, body);
      const later = method === 'HEAD' || /"code":"(busy|deadline)"/.test(text);
      if (status === 503 && later) putOff++;
      else expect(wanted.includes(status)).isTrue(`${method} ${path}: ${status} ${text}`);
    }
  });
  expect(putOff).atMost(200); // of 768
});
