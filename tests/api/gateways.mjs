// Setting up ways to pay; and providers that are down, slow, or gone after they accepted.
import http from 'node:http';
import { once } from 'node:events';
import { eventually, expect, race, story } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { becomes, booksAddUp, openOrder, openTill, press, tryToPay } from './lib/orders.mjs';

/** Stands between our server and the provider in it: `mode` says what goes wrong. */
async function startTrouble(target) {
  const trouble = { mode: 'none', calls: [], wait: 0 };
  const proxy = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    trouble.calls.push(JSON.parse(body));
    const { mode } = trouble;
    if (mode === 'down') return request.socket.destroy();
    if (mode === 'slow') return; // never an answer
    if (mode === 'stumbles') return response.writeHead(502).end('<html>');
    if (mode === 'nonsense') return response.writeHead(200).end('<html>');
    const headers = { ...request.headers, host: undefined };
    for (const name of Object.keys(headers)) if (!headers[name]) delete headers[name];
    const reply = await fetch(`${trouble.target()}${request.url}`, {
      method: request.method,
      headers: { 'Content-Type': 'application/json', 'Test-Signature': headers['test-signature'] },
      body,
    });
    const text = await reply.text();
    if (mode === 'resets') return request.socket.destroy(); // it accepted, and nobody hears of it
    response.writeHead(reply.status, { 'Content-Type': 'application/json' }).end(text);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  trouble.target = target;
  trouble.url = `http://127.0.0.1:${proxy.address().port}`;
  trouble.stop = () => {
    proxy.closeAllConnections();
    return new Promise((done) => proxy.close(done));
  };
  return trouble;
}

/** A server whose built-in provider is reached through trouble. */
async function open(stage) {
  const owner = await openTill(stage);
  const trouble = await startTrouble(() => stage.server.url);
  const server = await stage.start({ LYCEUM_TEST_GATEWAY_URL: trouble.url });
  const api = stage.api.on(server);
  const ann = await stage.people.member({ name: 'Ann' });
  const plan = await new Shop(stage.api, owner).plan();
  const order = await openOrder(stage, ann, plan);
  const attempt = (one = order, method = 'page') =>
    api.as(ann).post(`/v1/orders/${one.id}/attempts`, { provider: 'test', method });
  return { owner, trouble, server, api, ann, plan, order, attempt };
}

story('Owners set up ways to pay; secrets go in and never come out', async (stage) => {
  const { api, people, sql, community } = stage;
  const owner = await people.owner();
  const operator = await people.operator();
  const put = (body, who = owner) => api.as(who).put('/v1/gateways', body);
  expect(await api.as(operator).get('/v1/gateways')).problem('not_allowed', 403);
  expect(await put({ provider: 'hand' }, operator)).problem('not_allowed', 403);
  expect(await api.as(owner).get('/v1/gateways'))
    .status(200)
    .body({
      data: [
        { provider: 'hand', set_up: false, enabled: false, methods: ['transfer', 'cash'] },
        { provider: 'test', set_up: false, demo_only: true },
      ],
    });
  expect(await put({ provider: 'test' })).problem('way_closed', 409);
  await sql`UPDATE community SET demo = true WHERE id = ${community.id}`;
  expect(await put({ provider: 'cash' })).fault('/provider', 'unknown');
  expect(await put({ provider: 'hand' })).fault('/settings/account', 'required');
  for (const account of ['text', {}, { fr: 'x' }, { en: '' }, { en: 7 }]) {
    expect(await put({ provider: 'hand', settings: { account } })).fault(
      '/settings/account',
      'format',
    );
  }
  expect(await put({ provider: 'hand', settings: { iban: 'x' } })).fault(
    '/settings/iban',
    'unknown',
  );
  expect(await put({ provider: 'hand', settings: [] })).fault('/settings', 'type');
  expect(await put({ provider: 'test', settings: { secret: 'short' } })).fault(
    '/settings/secret',
    'format',
  );
  const account = { en: 'IBAN 7\nBank of Somewhere' };
  expect(await put({ provider: 'hand', settings: { account } }))
    .status(200)
    .body({ set_up: true, enabled: true, settings: { account }, hint: null, version: 1 });
  const secret = 'abcd'.repeat(16);
  stage.secret(secret);
  const made = await put({ provider: 'test', settings: { secret } });
  expect(made).status(200).body({ hint: '…abcd', settings: {} });
  expect(made.text.includes(secret)).is(false);
  // What is not given stays; another secret takes the place of the one before.
  expect(await put({ provider: 'test', enabled: false })).body({ hint: '…abcd', enabled: false });
  const other = { provider: 'test', settings: { secret: 'ef01'.repeat(16) } };
  expect(await put(other)).body({ hint: '…ef01', enabled: true, version: 3 });
  const { body } = await api.as(owner).get('/v1/audit-log', { query: { limit: 100 } });
  const changes = body.data.filter(({ action }) => action === 'gateway.change');
  expect(changes.length).is(4);
  expect(JSON.stringify(changes).includes(secret)).is(false);
  const [leak] = await sql`
    SELECT count(*)::int AS n FROM gateway_setting
    WHERE position('abcdabcd'::bytea IN sealed) > 0`;
  expect(leak.n).is(0);
});

story('A provider that is down: said at once, and the same try goes on later', async (stage) => {
  const { trouble, attempt, order, api, ann, server } = await open(stage);
  trouble.mode = 'down';
  const away = await attempt();
  expect(away).problem('gateway_away', 502).header('Retry-After');
  expect(trouble.calls.length).is(2); // it was tried again at once
  trouble.mode = 'stumbles';
  expect(await attempt()).problem('gateway_away', 502);
  trouble.mode = 'nonsense';
  expect(await attempt()).problem('gateway_away', 502);
  trouble.mode = 'none';
  const made = await attempt();
  expect(made)
    .status(200)
    .body({ state: 'open', pay_url: /pay\/test/ });
  const keys = new Set(trouble.calls.map(({ key }) => key));
  expect([...keys]).is([made.id]); // one idempotency key all along
  const page = new URL(made.body.pay_url).pathname;
  await press(api, { page }, 'pay');
  await becomes(stage, order, 'paid');
  const [{ n }] =
    await stage.sql`SELECT count(*)::int AS n FROM test_charge WHERE key = ${made.id}`;
  expect(n).is(1);
  await booksAddUp(stage);
  expect(await server.stop()).is([]);
  await trouble.stop();
  void ann;
});

story('It resets after it accepted: there is one payment, and one refund', async (stage) => {
  const { trouble, attempt, order, api, owner, server } = await open(stage);
  trouble.mode = 'resets';
  expect(await attempt()).problem('gateway_away', 502);
  const [{ n }] = await stage.sql`SELECT count(*)::int AS n FROM test_charge`;
  expect(n).atLeast(1);
  trouble.mode = 'none';
  const made = await attempt();
  expect(made).status(200);
  await press(api, { page: new URL(made.body.pay_url).pathname }, 'pay');
  await becomes(stage, order, 'paid');
  // Another process may run the errand, undisturbed: so its way there is troubled, too.
  await stage.sql`UPDATE test_event SET copies = 0`;
  trouble.mode = 'resets';
  const body = { amount_minor: 36500, reason: 'As agreed' };
  expect(await api.as(owner).post(`/v1/orders/${order.id}/refunds`, body)).status(201);
  await new Promise((later) => setTimeout(later, 1500));
  trouble.mode = 'none';
  await eventually(async () => {
    await stage.sql`
      UPDATE refund_request SET next_try_at = now()
      WHERE state <> 'done' AND next_try_at < now() + interval '25 seconds'`;
    const reply = await api.as(owner).get(`/v1/orders/${order.id}/refunds`);
    return reply.body.data[0].state === 'done';
  }, 40_000);
  const [back] = await stage.sql`SELECT count(*)::int AS n FROM test_refund`;
  expect(back.n).is(1);
  const [row] = await booksAddUp(stage);
  expect(row).matches({ status: 'refunded', refunded: 36500, money: 0 });
  expect(await server.stop()).is([]);
  await trouble.stop();
});

story(
  'One that is slow holds up nobody, and after five failures it is left alone',
  async (stage) => {
    const { trouble, attempt, api, ann, plan, order, server } = await open(stage);
    trouble.mode = 'slow';
    const began = Date.now();
    const [slow, ...others] = await Promise.all([
      attempt(),
      ...Array.from({ length: 20 }, () => api.as(ann).get(`/v1/orders/${order.id}/ways`)),
    ]);
    expect(slow).problem('gateway_away', 502);
    expect(Date.now() - began).atMost(4900);
    for (const reply of others) expect(reply).status(200);
    trouble.mode = 'down';
    await attempt();
    await attempt();
    const { length } = trouble.calls;
    expect(length).is(5 + 0);
    const quick = Date.now();
    const refused = await race(20, () => attempt(order, 'qr'));
    for (const reply of refused) expect(reply).problem('gateway_away', 502);
    expect(trouble.calls.length).is(length);
    expect(Date.now() - quick).atMost(2000);
    trouble.mode = 'none';
    await eventually(async () => (await attempt()).status === 200, 12_000);
    expect((await tryToPay(api, ann, await openOrder(stage, ann, plan))).state).is('open');
    expect(await server.stop()).is([]);
    await trouble.stop();
  },
);

story('Killed between the provider’s answer and our commit: it is found again', async (stage) => {
  const { trouble, attempt, order, ann, owner, server } = await open(stage);
  trouble.mode = 'resets';
  void attempt().catch(() => {}); // dies with the server
  await eventually(() => stage.sql`SELECT FROM test_charge`.then(({ length }) => length));
  await server.kill();
  const again = await tryToPay(stage.api, ann, order); // at the other process
  const [{ n }] = await stage.sql`
    SELECT count(*)::int AS n FROM test_charge WHERE community_id = ${stage.community.id}`;
  expect(n).is(1);
  await press(stage.api, again, 'pay');
  await becomes(stage, order, 'paid');
  const refund = await stage.api.as(owner).post(`/v1/orders/${order.id}/refunds`, {
    amount_minor: 100,
    reason: 'A little back',
  });
  expect(refund).status(201);
  await becomes(stage, order, 'partly_refunded');
  await booksAddUp(stage);
  await trouble.stop();
});

story('What the provider refuses is said, and can be tried anew', async (stage) => {
  const { api, ann, order, trouble, attempt, server } = await open(stage);
  const owner = await stage.people.owner();
  // The provider knows another secret by the time it is asked.
  const proxied = trouble.target;
  trouble.target = () => `${proxied()}/nowhere`;
  expect(await attempt()).problem('gateway_refuses', 409);
  trouble.target = proxied;
  const made = await attempt();
  expect(made).status(201);
  await press(api, { page: new URL(made.body.pay_url).pathname }, 'pay');
  await becomes(stage, order, 'paid');
  // It refuses a refund: that fails for all to see, and nothing is counted.
  await stage.sql`
    UPDATE test_charge SET refunded_minor = amount_minor WHERE key = ${made.id}`;
  const body = { amount_minor: 36500, reason: 'As agreed' };
  expect(await api.as(owner).post(`/v1/orders/${order.id}/refunds`, body)).status(201);
  const failed = await eventually(async () => {
    const reply = await api.as(owner).get(`/v1/orders/${order.id}/refunds`);
    return reply.body.data.find(({ state }) => state === 'failed');
  });
  expect(failed.error).isNot(null);
  const [row] = await booksAddUp(stage);
  expect(row).matches({ status: 'paid', refunded: 0 });
  void ann;
  expect(await server.stop()).is([]);
  await trouble.stop();
});
