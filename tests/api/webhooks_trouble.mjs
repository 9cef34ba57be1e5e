// Receivers that stumble, move, hang or are gone, servers that die: each event arrives all the
// same, and nobody waits for another.
import https from 'node:https';
import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually, expect, makeCertificate, race, story } from './lib/story.mjs';
import { isSigned, Receiver, verified } from './lib/hooks.mjs';

const job = JSON.parse(process.env.LYCEUM_STORY);
const authority = join(job.out, `${job.name}-authority.pem`);
const [trustedKey, trustedCert] = makeCertificate();
writeFileSync(authority, trustedCert);

export const server = {
  env: {
    LYCEUM_LOOPS: '2',
    LYCEUM_WEBHOOK_PRIVATE: '1',
    LYCEUM_CA_FILE: authority,
    LYCEUM_PACE_SCALE: '100',
  },
};

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const tellOf = (sql, community, who, count) => sql`
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  SELECT ${community.id}, uuid7(), 'gift.claimed', ${who.id},
    jsonb_build_object('gift_id', uuid7()) FROM generate_series(1, ${count}::int)`;
const seconds = (iso) => (Date.parse(iso) - Date.now()) / 1000;

story('What fails is tried ten times, later and later, with one id', async (stage) => {
  const { api, people } = stage;
  const owner = await people.owner();
  const receiver = await Receiver.open(stage, owner);
  receiver.answer = () => ({ status: 500, body: { why: 'Ünwell\u0007' } });
  const id = await receiver.ping();
  const waits = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400];
  for (let n = 0; n < 10; ) {
    const tried = ({ tries, attempts }) => tries.length > n && attempts === tries.length;
    const now = await receiver.delivery(id, tried);
    n = now.tries.length; // not n + 1 where it was slow to be looked at
    expect(now).matches({ attempts: n, last_status: 500 });
    if (n < 10) {
      expect(now.state).is('pending');
      const last = Math.max(...now.tries.map(({ at }) => Date.parse(at)));
      const wait = (Date.parse(now.next_at) - last) / 1000;
      expect(wait > waits[n - 1] - 1 && wait <= waits[n - 1] * 1.2 + 1).isTrue(`${n}: ${wait}`);
    } else expect(now).matches({ state: 'failed', next_at: null });
    await receiver.hurry();
  }
  await pause(1300);
  expect(receiver.calls.length).is(10);
  expect(new Set(receiver.calls.map(({ headers }) => headers['webhook-id'])).size).is(1);
  for (const call of receiver.calls) verified(call, receiver.hook.secret);
  const { tries } = await receiver.delivery(id, () => true);
  expect(tries[3].answer).is('{"why":"Ünwell\\u0007"}');
  const failing = { state: 'enabled', last_status: 500, failing_since: /Z$/ };
  expect(await receiver.shown()).matches(failing);
  receiver.answer = () => ({ status: 200, body: {} });
  const since = { since: new Date(Date.now() - 3_600_000).toISOString() };
  const key = { headers: { 'Idempotency-Key': 'again' } };
  const replayed = await api.as(owner).post(`${receiver.path}/replay`, since, key);
  expect(replayed).status(200).body({ replayed: 1, more: false });
  await receiver.hurry();
  await receiver.delivery(id, ({ state }) => state === 'delivered');
  expect(receiver.calls.at(-1).headers['webhook-id']).is(id);
  expect(await receiver.shown()).matches({ last_status: null, failing_since: null });
  const nothing = await api.as(owner).post(`${receiver.path}/replay`, since);
  expect(nothing).status(200).body({ replayed: 0, more: false });
  await receiver.close();
});

story('Each try is signed at its own time', async (stage) => {
  const { people } = stage;
  const receiver = await Receiver.open(stage, await people.owner());
  receiver.answer = () => ({ status: receiver.calls.length < 2 ? 503 : 200, body: {} });
  const id = await receiver.ping();
  await receiver.delivery(id, (d) => d.tries.length >= 1);
  await pause(1100);
  await receiver.hurry();
  await receiver.delivery(id, ({ state }) => state === 'delivered');
  const [one, two] = receiver.calls.map(({ headers }) => Number(headers['webhook-timestamp']));
  expect(two > one).isTrue();
  for (const call of receiver.calls) verified(call, receiver.hook.secret);
  await receiver.close();
});

story('Who asks for time gets it, and who is gone is not asked again', async (stage) => {
  const { api, people, sql } = stage;
  const owner = await people.owner();
  const receiver = await Receiver.open(stage, owner);
  const headers = { 'Retry-After': '120' };
  receiver.answer = () => ({ status: 429, body: {}, headers });
  const id = await receiver.ping();
  const asked = await receiver.delivery(id, (d) => d.tries.length >= 1);
  expect(seconds(asked.next_at) > 60).isTrue();
  const other = await receiver.ping(); // the endpoint as a whole is left alone
  await pause(1500);
  expect(receiver.calls.length).is(1);
  receiver.answer = () => ({ status: 410, body: {} });
  await receiver.hurry();
  await eventually(async () => (await receiver.shown()).state === 'disabled');
  expect(await receiver.shown()).matches({ disabled_reason: 'gone', last_status: 410 });
  const audited = await sql`
    SELECT via, reason FROM audit_log WHERE target_id = ${receiver.hook.id}
      AND action = 'webhook.disable'`;
  expect(audited).is([{ via: 'job', reason: 'gone' }]);
  receiver.answer = () => ({ status: 200, body: {} });
  const states = async () =>
    (await Promise.all([id, other].map((one) => receiver.delivery(one, () => true))))
      .map(({ state }) => state).sort();
  await eventually(async () => (await states()).includes('failed'));
  const taken = () => sql`
    SELECT FROM webhook_delivery
    WHERE endpoint_id = ${receiver.hook.id} AND taken_until IS NOT NULL`;
  await eventually(async () => (await taken()).length === 0); // or it would disable it once more
  expect(await api.as(owner).patch(receiver.path, { enabled: true })).status(200);
  const since = { since: new Date(Date.now() - 3_600_000).toISOString() };
  expect(await api.as(owner).post(`${receiver.path}/replay`, since)).status(200);
  await receiver.hurry();
  await eventually(async () => (await states()).every((state) => state === 'delivered'));
  await receiver.close();
});

story('Where nothing arrives for five days is disabled, and says why', async (stage) => {
  const { people, sql } = stage;
  const receiver = await Receiver.open(stage, await people.owner());
  receiver.answer = () => ({ status: 404, body: {} });
  const id = await receiver.ping();
  await receiver.delivery(id, (d) => d.tries.length >= 1);
  const failing = (ago) => sql`
    UPDATE webhook_endpoint SET failing_since = now() - ${ago}::interval
    WHERE id = ${receiver.hook.id}`;
  await failing('4 days 23 hours');
  await receiver.hurry();
  await receiver.delivery(id, (d) => d.tries.length >= 2);
  expect((await receiver.shown()).state).is('enabled');
  await failing('5 days 1 minute');
  await receiver.hurry();
  await eventually(async () => (await receiver.shown()).state === 'disabled');
  expect(await receiver.shown()).matches({ disabled_reason: 'failing', last_status: 404 });
  await receiver.close();
});

story('A redirect is not followed, and counts as a failure', async (stage) => {
  const { people } = stage;
  const owner = await people.owner();
  const target = await Receiver.open(stage, owner, { topics: ['dispute.won'] });
  for (const status of [301, 302, 307, 308]) {
    const receiver = await Receiver.open(stage, owner, { topics: ['dispute.won'] });
    receiver.answer = () => ({ status, body: {}, headers: { Location: target.peer.url } });
    const id = await receiver.ping();
    const tried = await receiver.delivery(id, (d) => d.tries.length >= 1);
    expect(tried).matches({ state: 'pending', last_error: 'redirects are not followed' });
    expect(tried.last_status).is(status);
    await receiver.close();
  }
  expect(target.calls.length).is(0);
  await target.close();
});

story('Those that hang hold up no other', async (stage) => {
  const { people, sql, community, another } = stage;
  const owner = await people.owner();
  const there = await another();
  const stranger = await people.in(there).owner();
  const slow = [];
  for (let i = 0; i < 9; i++) {
    const one = await Receiver.open(stage, owner);
    one.answer = () => new Promise(() => {}); // never an answer
    slow.push(one);
  }
  const good = await Receiver.open({ ...stage, community: there }, stranger);
  /** How many milliseconds twenty of the other community take. */
  const told = async () => {
    const wanted = good.calls.length + 20;
    const began = performance.now();
    await tellOf(sql, there, stranger, 20);
    await eventually(() => good.calls.length === wanted, 120_000);
    return Math.round(performance.now() - began);
  };
  const alone = await told();
  const from = performance.now();
  await tellOf(sql, community, owner, 20); // 180 for those that hang
  await eventually(() => slow.some(({ calls }) => calls.length >= 8));
  const busy = await sql`
    SELECT count(*)::int AS n FROM webhook_delivery
    WHERE community_id = ${community.id} AND taken_until > now() GROUP BY endpoint_id`;
  expect(busy.reduce((sum, { n }) => sum + n, 0)).atLeast(8).atMost(24); // of a community at once
  for (const { n } of busy) expect(n).atMost(8); // of one endpoint
  const came = slow.map(({ calls }) => calls.length);
  if (performance.now() - from < 14_000) { // none is given up yet, for which others would come
    expect(came.reduce((sum, n) => sum + n, 0)).atMost(24);
    expect(Math.max(...came)).atMost(8);
  }
  const ms = await told();
  console.log(`      20 webhooks: ${alone} ms, beside 9 endpoints that hang ${ms} ms`);
  expect(ms).atMost(5000 + 5 * alone);
  // After three timeouts it rests, and is asked one at a time.
  const first = slow.find(({ calls }) => calls.length);
  const rests = async () =>
    (await sql`
      SELECT FROM webhook_endpoint
      WHERE id = ${first.hook.id} AND failures >= 3 AND rest_until > now()`).length === 1;
  await eventually(rests, 120_000);
  expect(/tim(e|ed) ?out/i.test((await first.shown()).last_error ?? '')).isTrue();
  for (const one of [...slow, good]) await one.close();
});

/** A receiver over TLS: `.calls` as they came. */
async function secureReceiver(key, cert) {
  const calls = [];
  const peer = https.createServer({ key, cert }, async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { headers } = request;
    calls.push({ headers, text: Buffer.concat(parts).toString('utf8'), url: request.url });
    response.writeHead(204).end();
  });
  peer.listen(0, '127.0.0.1');
  await once(peer, 'listening');
  return { peer, calls, port: peer.address().port };
}

story('Who can’t prove their name by a certificate is told nothing', async (stage) => {
  const { api, people } = stage;
  const owner = await people.owner();
  const receiver = await Receiver.open(stage, owner);
  const stranger = await secureReceiver(...makeCertificate()); // signed by nobody but itself
  const trusted = await secureReceiver(trustedKey, trustedCert);
  for (const url of [
    `https://127.0.0.1:${stranger.port}/`,
    `https://localhost:${trusted.port}/`, // whom we trust, but not under this name
  ]) {
    expect(await api.as(owner).patch(receiver.path, { url })).status(200);
    const tried = await receiver.delivery(await receiver.ping(), (d) => d.tries.length >= 1);
    expect(tried).matches({ state: 'pending', last_status: null, last_error: /certificate/i });
    await receiver.hurry();
  }
  expect([stranger.calls, trusted.calls]).is([[], []]);
  stranger.peer.close();
  trusted.peer.close();
  await receiver.close();
});

story('Who proves their name is told over TLS, signed all the same', async (stage) => {
  const { api, people } = stage;
  const owner = await people.owner();
  const receiver = await Receiver.open(stage, owner);
  const { peer, calls, port } = await secureReceiver(trustedKey, trustedCert);
  const url = `https://127.0.0.1:${port}/hooks?of=lyceum`;
  expect(await api.as(owner).patch(receiver.path, { url })).status(200);
  const id = await receiver.ping();
  const sent = await receiver.delivery(id, ({ state }) => state === 'delivered');
  expect(sent).matches({ attempts: 1, last_status: 204 });
  expect(calls.length).is(1);
  expect(calls[0]).matches({ url: '/hooks?of=lyceum' });
  expect(verified(calls[0], receiver.hook.secret)).matches({ type: 'webhook.ping' });
  peer.close();
  await receiver.close();
});

story('A long answer is cut off, one that is no text is kept as one', async (stage) => {
  const { people } = stage;
  const receiver = await Receiver.open(stage, await people.owner());
  receiver.answer = () => ({ status: 200, body: 'x'.repeat(3_000_000) });
  const id = await receiver.ping();
  const done = await receiver.delivery(id, ({ state }) => state === 'delivered');
  expect(done.tries[0].answer.length).is(1024);
  await receiver.close();
});

story('Two servers, one killed midway: every event arrives, and none is lost', async (stage) => {
  const { api, people, sql, community, start } = stage;
  const owner = await people.owner();
  const first = await start();
  const second = await start();
  const on = { ...stage, api: api.on(second) };
  const receivers = await race(3, () => Receiver.open(on, owner, { topics: ['gift.claimed'] }));
  for (const one of receivers)
    one.answer = async () => (await pause(40 * Math.random()), { status: 200, body: {} });
  const told = race(20, async (i) => {
    await pause(i * 100);
    await tellOf(sql, community, owner, 20);
  });
  await eventually(() => receivers[0].calls.length > 100, 180_000);
  await first.kill();
  await told;
  const ids = ({ calls }) => calls.map(({ headers }) => headers['webhook-id']);
  const all = async () => {
    for (const one of receivers) await one.hurry(); // not what is leased: its time must come
    return receivers.every((one) => new Set(ids(one)).size === 400);
  };
  await eventually(all, 240_000);
  const undone = async () => (await sql`
    SELECT count(*)::int AS n FROM webhook_delivery
    WHERE community_id = ${community.id} AND state <> 'delivered'`)[0].n;
  await eventually(async () => (await undone()) === 0, 180_000);
  const twice = receivers.reduce((n, one) => n + ids(one).length - 400, 0);
  console.log(`      1,200 webhooks over two servers and a kill: ${twice} came twice`);
  expect(twice).atMost(24); // what was under way when it was killed
  const wanted = ids(receivers[0]).sort();
  for (const one of receivers) {
    // An event has one id everywhere.
    expect([...new Set(ids(one))].sort()).is([...new Set(wanted)]);
    for (const call of one.calls) expect(isSigned(call, one.hook.secret)).is(true);
    const gifts = one.calls.map(({ text }) => JSON.parse(text).data.gift_id);
    expect(new Set(gifts).size).is(400);
  }
  for (const one of receivers) await one.close();
});
