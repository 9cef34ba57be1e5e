// Other systems are told of what happens: signed, each event once, and who may set that up.
import { eventually, expect, race, story, uuid7 } from './lib/story.mjs';
import { isSigned, Receiver, verified } from './lib/hooks.mjs';
import { Shop } from './lib/shop.mjs';

export const server = {
  env: { LYCEUM_LOOPS: '2', LYCEUM_WEBHOOK_PRIVATE: '1', LYCEUM_PACE_SCALE: '100' },
};

const pay = (api, operator, who, plan) =>
  api.as(operator).post(`/v1/members/${who.id}/grants`, {
    kind: 'payment',
    plan_id: plan.id,
    amount_minor: plan.price_minor,
    currency: plan.currency,
    reference: `transfer-${uuid7()}`,
    reason: 'Bank transfer',
  });
const tell = (sql, community, topic, subject, payload = {}) => sql`
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  VALUES (${community.id}, uuid7(), ${topic}, ${subject}, ${JSON.stringify(payload)})`;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

story('An order that is paid is told once, signed, with ids that lead to it', async (stage) => {
  const { api, people, sql } = stage;
  const owner = await people.owner();
  const operator = await people.operator();
  const ann = await people.member({ name: 'Ann' });
  const plan = await new Shop(api, owner).plan();
  const all = await Receiver.open(stage, owner, { description: 'The books' });
  const some = await Receiver.open(stage, owner, { topics: ['order.paid', 'order.paid'] });
  expect(all.hook).matches({ state: 'enabled', topics: null, description: 'The books' });
  expect(some.hook).matches({ topics: ['order.paid'], version: 1, previous_secret_until: null });
  expect(await pay(api, operator, ann, plan)).status(201);
  const call = await some.of('order.paid');
  expect(call.method).is('POST');
  expect(call.headers['content-type']).is('application/json');
  const event = verified(call, some.hook.secret);
  expect(isSigned(call, all.hook.secret)).is(false);
  expect(Object.keys(event).sort()).is(['data', 'timestamp', 'type']);
  expect(Object.keys(event.data).sort()).is(['member_id', 'order_id']);
  expect(Math.abs(Date.now() - Date.parse(event.timestamp)) < 60_000).isTrue();
  expect(event.data.member_id).is(ann.id);
  expect(await api.as(operator).get(`/v1/orders/${event.data.order_id}`)).status(200);
  const twin = await all.of('order.paid');
  expect(verified(twin, all.hook.secret)).is(event);
  expect(twin.headers['webhook-id']).is(call.headers['webhook-id']);
  await all.of('payment.received');
  await pause(1500);
  expect(some.calls.length).is(1);
  expect(new Set(all.calls.map(({ headers }) => headers['webhook-id'])).size).is(all.calls.length);
  const id = call.headers['webhook-id'];
  const delivery = await some.delivery(id, ({ state }) => state === 'delivered');
  expect(delivery).matches({ type: 'order.paid', attempts: 1, last_status: 200, next_at: null });
  expect(delivery.payload).is(event);
  expect(delivery.tries).matches([{ number: 1, status: 200, error: null, answer: '{}' }]);
  const [kept] = await sql`SELECT secret FROM webhook_endpoint WHERE id = ${some.hook.id}`;
  const bytes = Buffer.from(some.hook.secret.slice(6), 'base64');
  expect(kept.secret.includes(bytes)).is(false); // it is sealed
  await all.close();
  await some.close();
});

story('What need not be known is not told', async (stage) => {
  const { people, sql, community } = stage;
  const owner = await people.owner();
  const receiver = await Receiver.open(stage, owner);
  const lecture = uuid7();
  await tell(sql, community, 'member.secret', owner.id, { note: 'inside' });
  await tell(sql, community, 'lecture.cancelled', lecture, { sequence: 2, reason: 'Chen is ill' });
  const event = verified(await receiver.of('lecture.cancelled'), receiver.hook.secret);
  expect(event.data).is({ lecture_id: lecture, sequence: 2 });
  await pause(1200);
  expect(receiver.calls.length).is(1);
  await receiver.close();
});

story('What happened before it was there, or while it was off, is not told', async (stage) => {
  const { api, people, sql, community } = stage;
  const owner = await people.owner();
  await tell(sql, community, 'member.joined', owner.id);
  const receiver = await Receiver.open(stage, owner);
  const enabled = (yes) => api.as(owner).patch(receiver.path, { enabled: yes });
  const later = uuid7();
  await tell(sql, community, 'gift.claimed', owner.id, { gift_id: later });
  const first = verified(await receiver.of('gift.claimed'), receiver.hook.secret);
  expect(first.data).is({ giver_id: owner.id, gift_id: later });
  expect(await enabled(false)).status(200).body({ state: 'disabled', disabled_reason: 'by_hand' });
  await tell(sql, community, 'member.joined', owner.id);
  await pause(1200); // it is not read as long as nobody listens
  for (const path of ['/test', `/deliveries/${receiver.calls[0].headers['webhook-id']}/replay`])
    expect(await api.as(owner).post(receiver.path + path)).problem('state_forbids', 409);
  expect(
    await api.as(owner).post(`${receiver.path}/replay`, { since: '2026-01-01T00:00:00Z' }),
  ).problem('state_forbids', 409);
  expect(await enabled(true)).status(200).body({ state: 'enabled', disabled_reason: null });
  await tell(sql, community, 'order.expired', owner.id, { order_id: later });
  await receiver.of('order.expired');
  expect(receiver.calls.length).is(2);
  await receiver.close();
});

story('While a secret is turned both sign, and then the new one alone', async (stage) => {
  const { api, people, sql } = stage;
  const owner = await people.owner();
  const receiver = await Receiver.open(stage, owner);
  const turned = await api.as(owner).post(`${receiver.path}/rotate`);
  expect(turned).status(200).body({ id: receiver.hook.id, version: 2 });
  const hours = (Date.parse(turned.body.previous_secret_until) - Date.now()) / 3_600_000;
  expect(hours > 23.9 && hours <= 24).isTrue();
  await receiver.ping();
  const both = await receiver.of('webhook.ping');
  expect(both.headers['webhook-signature'].split(' ').length).is(2);
  expect(verified(both, receiver.hook.secret)).is(verified(both, turned.body.secret));
  await sql`
    UPDATE webhook_endpoint SET previous_until = now() WHERE id = ${receiver.hook.id}`;
  receiver.calls.length = 0;
  await receiver.ping();
  const one = await receiver.of('webhook.ping');
  const old = receiver.hook.secret;
  expect([isSigned(one, old), isSigned(one, turned.body.secret)]).is([false, true]);
  expect((await receiver.shown()).previous_secret_until).is(null);
  expect((await receiver.shown()).secret).is(undefined);
  const own = `whsec_${Buffer.alloc(64, 7).toString('base64')}`;
  const again = { secret: own, keep_hours: 0 };
  expect(await api.as(owner).post(`${receiver.path}/rotate`, again)).status(200);
  receiver.calls.length = 0;
  await receiver.ping();
  const last = await receiver.of('webhook.ping');
  expect([isSigned(last, turned.body.secret), isSigned(last, own)]).is([false, true]);
  for (const bytes of [23, 65]) {
    const secret = `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;
    const reply = await api.as(owner).post(`${receiver.path}/rotate`, { secret });
    expect(reply).problem('body_invalid', 422).fault('/secret');
  }
  await receiver.close();
});

story('Only an owner sets webhooks up; what does not fit is refused and named', async (stage) => {
  const { api, people, another } = stage;
  const owner = await people.owner();
  const operator = await people.operator();
  const url = 'https://hooks.example.org/lyceum';
  expect(await api.as(operator).post('/v1/webhooks', { url })).problem('not_allowed', 403);
  const wrong = [
    [{ url: 'https://hooks.example.org:22/' }, '/url', 'port'],
    [{ url: 'https://u:p@hooks.example.org/' }, '/url', 'user'],
    [{ url: 'https://hooks.example.org/#a' }, '/url', 'fragment'],
    [{ url: 'ftp://hooks.example.org/' }, '/url', 'format'],
    [{ url, topics: ['order.paid', 'order.eaten'] }, '/topics', 'unknown'],
    [{ url, topics: [] }, '/topics', 'unknown'],
    [{ url, secret: `whsec_${'A'.repeat(33)}` }, '/secret'],
  ];
  for (const [body, pointer, code] of wrong) {
    const reply = await api.as(owner).post('/v1/webhooks', body);
    expect(reply).problem('body_invalid', 422).fault(pointer, code);
  }
  const key = { headers: { 'Idempotency-Key': 'once' } };
  const made = await api.as(owner).post('/v1/webhooks', { url }, key);
  expect(made).status(201).header('Location', `/v1/webhooks/${made.id}`);
  const again = await api.as(owner).post('/v1/webhooks', { url }, key);
  const { secret } = made.body;
  expect(again).status(201).header('Idempotent-Replayed', 'true').body({ secret });
  const path = `/v1/webhooks/${made.id}`;
  const list = await api.as(operator).get('/v1/webhooks');
  expect(list).status(200).body({ data: [{ id: made.id, url }] });
  expect(list.text.includes('secret"')).is(false);
  const seen = await api.as(operator).get(path);
  const change = (body, more) => api.as(owner).patch(path, body, more);
  const match = { headers: { 'If-Match': seen.header('ETag') } };
  const patch = { topics: ['order.paid'], description: 'Mine', url: `${url}?2` };
  expect(await change(patch, match)).status(200).body({ ...patch, version: 2 });
  expect(await change({ topics: null }, match)).problem('version_changed', 412);
  expect(await change({ topics: null })).status(200).body({ topics: null, description: 'Mine' });
  expect(await change({ url: 'https://a:b@c/' })).problem('body_invalid').fault('/url', 'user');
  expect(await change({ topics: ['x.y'] })).problem('body_invalid').fault('/topics', 'unknown');
  const there = await another();
  const stranger = await people.in(there).owner();
  const id = uuid7();
  const routes = [
    ['get', ''], ['patch', '', {}], ['delete', ''], ['post', '/rotate'], ['post', '/test'],
    ['post', '/replay', { since: '2026-01-01T00:00:00Z' }], ['get', '/deliveries'],
    ['get', `/deliveries/${id}`], ['post', `/deliveries/${id}/replay`],
  ];
  for (const [method, more, body] of routes) {
    for (const [who, where] of [[stranger, path], [owner, `/v1/webhooks/${id}`]])
      expect(await api.as(who)[method](where + more, body)).problem('not_found', 404);
  }
  expect(await api.as(owner).delete(path)).status(204);
  expect(await api.as(owner).get(path)).problem('not_found', 404);
  const audited = await stage.sql`
    SELECT action FROM audit_log WHERE target_id = ${made.id} ORDER BY at, id`;
  expect(audited.map(({ action }) => action)).is(
    ['webhook.create', 'webhook.change', 'webhook.change', 'webhook.remove']);
});

story('Sixty-four at once make twenty webhooks, and a removed one makes room', async (stage) => {
  const { api, people } = stage;
  const owner = await people.owner();
  const make = () => api.as(owner).post('/v1/webhooks', { url: 'https://hooks.example.org/' });
  const replies = await race(64, async () => {
    let reply = await make();
    while (reply.status === 503 || reply.status === 429) reply = await make(); // as clients do
    return reply;
  });
  const made = replies.filter(({ status }) => status === 201);
  expect(made.length).is(20);
  for (const reply of replies.filter(({ status }) => status !== 201))
    expect(reply).problem('webhooks_full', 409);
  expect((await api.as(owner).get('/v1/webhooks')).body.data.length).is(20);
  expect(await api.as(owner).delete(`/v1/webhooks/${made[7].id}`)).status(204);
  expect(await make()).status(201);
  expect(await make()).problem('webhooks_full', 409);
});

story('A thousand rows of racing transactions are each told once', async (stage) => {
  const { people, sql, community } = stage;
  const owner = await people.owner();
  const receiver = await Receiver.open(stage, owner, { topics: ['gift.claimed'] });
  const began = Date.now();
  await race(20, async () => {
    const session = await stage.session(); // one connection would do them one after the other
    for (let i = 0; i < 5; i++)
      await session.query(
        `WITH made AS (
           INSERT INTO outbox (community_id, id, topic, subject_id, payload)
           SELECT $1, uuid7(), 'gift.claimed', $2, jsonb_build_object('gift_id', uuid7())
           FROM generate_series(1, 10) RETURNING 1)
         SELECT pg_sleep(random() * 0.4), count(*) FROM made`,
        [community.id, owner.id],
      );
    await session.end();
  });
  await eventually(() => receiver.calls.length >= 1000, 300_000);
  console.log(`      100 transactions, 1,000 webhooks: ${Date.now() - began} ms`);
  await pause(1500);
  const gifts = receiver.calls.map(({ text }) => JSON.parse(text).data.gift_id);
  expect([gifts.length, new Set(gifts).size]).is([1000, 1000]);
  await receiver.close();
});

story('What was sent is listed page by page, and sent again with the same id', async (stage) => {
  const { api, people, sql, community } = stage;
  const owner = await people.owner();
  const receiver = await Receiver.open(stage, owner);
  const order = uuid7();
  await tell(sql, community, 'order.created', owner.id, { order_id: order });
  await receiver.of('order.created');
  for (let i = 0; i < 4; i++) await receiver.ping();
  await eventually(() => receiver.calls.length === 5);
  const list = (query) => api.as(owner).get(`${receiver.path}/deliveries`, { query });
  await eventually(async () => (await list({ state: 'delivered' })).body.data.length === 5);
  const first = await list({ limit: 3 });
  expect(first).status(200).body({ has_more: true });
  const second = await list({ limit: 3, cursor: first.body.next_cursor });
  const ids = [...first.body.data, ...second.body.data].map(({ id }) => id);
  expect([ids.length, new Set(ids).size, second.body.has_more]).is([5, 5, false]);
  expect((await list({ state: 'failed' })).body.data).is([]);
  const [told] = (await list({ topic: 'order.created' })).body.data;
  expect(ids[4]).is(told.id); // the newest first
  receiver.calls.length = 0;
  const replay = await api.as(owner).post(`${receiver.path}/deliveries/${told.id}/replay`);
  expect(replay).status(200).body({ id: told.id });
  const call = await receiver.of('order.created');
  expect(call.headers['webhook-id']).is(told.id);
  verified(call, receiver.hook.secret);
  const again = await receiver.delivery(told.id, ({ state }) => state === 'delivered');
  expect(again.tries.map(({ number }) => number)).is([1, 2]);
  await receiver.close();
});

story('What all have read is tidied away, and what a removed one was sent', async (stage) => {
  const { api, people, sql, community, start } = stage;
  const owner = await people.owner();
  const receiver = await Receiver.open(stage, owner);
  await receiver.ping();
  await receiver.of('webhook.ping');
  const at = '8 days';
  const behind = () => sql`
    INSERT INTO outbox (community_id, id, topic, subject_id, at)
    VALUES (${community.id}, uuid7(), 'lecture.read', ${owner.id}, now() - ${at}::interval)`;
  const count = async () => (await sql`
    SELECT count(*)::int AS n FROM outbox WHERE community_id = ${community.id}
      AND topic = 'lecture.read'`)[0].n;
  const past = (consumer) => eventually(async () => (await sql`
    SELECT bool_and((o.xid, o.id) <= (c.xid, c.id)) AS past FROM outbox o JOIN outbox_cursor c
      ON c.community_id = o.community_id AND c.consumer = ${consumer}
    WHERE o.community_id = ${community.id}`)[0].past);
  /** It tidies at its start, after its first rounds. */
  const tidy = async (done) => {
    const one = await start();
    await eventually(done).finally(() => one.stop());
  };
  await behind();
  await past('notices');
  await past('webhooks');
  // One that is behind, for it can't write, holds it as long as anybody listens.
  await sql`REVOKE UPDATE ON outbox_cursor FROM lyceum_server`;
  await sql`UPDATE outbox_cursor SET xid = '0' WHERE consumer = 'webhooks'`;
  const old = uuid7(); // a revocation that has had its time: when it is gone, it has tidied
  await sql`
    INSERT INTO revocation (community_id, at, id, kind, subject_id)
    VALUES (${community.id}, now() - interval '2 hours', ${old}, 'session', ${old})`;
  await tidy(async () => !(await sql`SELECT FROM revocation WHERE id = ${old}`).length);
  expect(await count()).is(1);
  await sql`GRANT UPDATE ON outbox_cursor TO lyceum_server`;
  await past('webhooks');
  await tidy(async () => (await count()) === 0);
  // Nobody listens any more: a cursor that stays behind holds nothing.
  const [{ n }] = await sql`SELECT count(*)::int AS n FROM webhook_delivery`;
  expect(n).atLeast(1);
  expect(await api.as(owner).delete(receiver.path)).status(204);
  await sql`UPDATE outbox_cursor SET xid = '0' WHERE consumer = 'webhooks'`;
  await behind();
  await past('notices');
  const left = async () => (await sql`
    SELECT (SELECT count(*) FROM webhook_delivery WHERE endpoint_id = ${receiver.hook.id})
      + (SELECT count(*) FROM webhook_endpoint WHERE id = ${receiver.hook.id}) AS n`)[0].n;
  await tidy(async () => (await count()) === 0 && (await left()) === 0);
  await receiver.close();
});
