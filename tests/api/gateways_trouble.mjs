// Providers that are down, slow, or gone after they accepted: each call has one effect.
import http from 'node:http';
import { once } from 'node:events';
import { eventually, expect, race, story } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { becomes, booksAddUp, openOrder, openTill, press, tryToPay } from './lib/orders.mjs';

/** Stands between our server and the provider in it: `mode` says what goes wrong. */
async function startTrouble() {
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
  trouble.url = `http://127.0.0.1:${proxy.address().port}`;
  proxy.unref();
  return trouble;
}

const trouble = await startTrouble();
export const server = {
  env: { LYCEUM_TEST_GATEWAY_URL: trouble.url, LYCEUM_DEADLINE_MS: '20000' },
};

/** All is well before something goes wrong. */
async function open(stage) {
  const { api } = stage;
  trouble.mode = 'none';
  trouble.target = () => stage.server.url;
  const owner = await openTill(stage);
  const ann = await stage.people.member({ name: 'Ann' });
  const plan = await new Shop(api, owner).plan();
  const attempt = (one, method = 'page', client = api) =>
    client.as(ann).post(`/v1/orders/${one.id}/attempts`, { provider: 'test', method });
  const first = await openOrder(stage, ann, plan);
  await eventually(async () => (await attempt(first)).status < 300); // the breaker is closed
  const order = await openOrder(stage, ann, plan);
  // What earlier stories left open is not looked at meanwhile.
  await stage.sql`
    UPDATE payment_attempt SET next_look_at = now() + interval '1 day' WHERE state = 'open'`;
  trouble.calls.length = 0;
  const charges = async () =>
    (
      await stage.sql`
        SELECT count(*)::int AS n FROM test_charge c
        JOIN payment_attempt a ON a.id::text = c.key WHERE a.order_id = ${order.id}`
    )[0].n;
  return { owner, api, ann, plan, order, attempt, charges };
}

story('A provider that is down: said at once, and the same try goes on later', async (stage) => {
  const { attempt, order, api, charges } = await open(stage);
  trouble.mode = 'down';
  expect(await attempt(order))
    .problem('gateway_away', 502)
    .header('Retry-After');
  expect(trouble.calls.length).atLeast(2); // it was tried again at once
  trouble.mode = 'stumbles';
  expect(await attempt(order)).problem('gateway_away', 502);
  trouble.mode = 'nonsense';
  expect(await attempt(order)).problem('gateway_away', 502);
  trouble.mode = 'none';
  const made = await attempt(order);
  expect(made)
    .status(200)
    .body({ state: 'open', pay_url: /pay\/test/ });
  const keys = new Set(trouble.calls.map(({ key }) => key));
  expect([...keys]).is([made.id]); // one idempotency key all along
  await press(api, { page: new URL(made.body.pay_url).pathname }, 'pay');
  await becomes(stage, order, 'paid');
  expect(await charges()).is(1);
  await booksAddUp(stage);
});

story('It resets after it accepted: there is one payment, and one refund', async (stage) => {
  const { attempt, order, api, owner, charges } = await open(stage);
  trouble.mode = 'resets';
  expect(await attempt(order)).problem('gateway_away', 502);
  expect(await charges()).is(1);
  trouble.mode = 'none';
  const made = await attempt(order);
  expect(made).status(200);
  await press(api, { page: new URL(made.body.pay_url).pathname }, 'pay');
  await becomes(stage, order, 'paid');
  trouble.mode = 'resets';
  trouble.calls.length = 0;
  const body = { amount_minor: 36500, reason: 'As agreed' };
  expect(await api.as(owner).post(`/v1/orders/${order.id}/refunds`, body)).status(201);
  const refunds = () => stage.sql`SELECT id FROM test_refund WHERE amount_minor = 36500`;
  await eventually(async () => (await refunds()).length && trouble.calls.length >= 2);
  trouble.mode = 'none';
  await eventually(async () => {
    const reply = await api.as(owner).get(`/v1/orders/${order.id}/refunds`);
    return reply.body.data[0].state === 'done';
  });
  expect((await refunds()).length).is(1);
  const rows = await booksAddUp(stage);
  const row = rows.find(({ id }) => id === order.id);
  expect(row).matches({ status: 'refunded', refunded: 36500, money: 0 });
});

story('One that is slow holds up nobody; after five failures it is left alone', async (stage) => {
  const { attempt, api, ann, order } = await open(stage);
  trouble.mode = 'slow';
  const began = Date.now();
  let over = false;
  const slow = attempt(order).finally(() => (over = true));
  const others = await race(20, () => api.as(ann).get(`/v1/orders/${order.id}/ways`));
  expect(over).is(false);
  expect(await slow).problem('gateway_away', 502);
  expect(Date.now() - began).atMost(15_000);
  for (const reply of others) expect(reply).status(200);
  trouble.mode = 'down';
  await attempt(order);
  await attempt(order);
  const { length } = trouble.calls;
  expect(length).atLeast(5);
  const from = Date.now();
  const refused = await race(20, () => attempt(order, 'qr'));
  for (const reply of refused) expect(reply).problem('gateway_away', 502);
  const looks = 2 + Math.ceil((Date.now() - from) / 5000); // one may go and see after five seconds
  expect(trouble.calls.length).atMost(length + looks);
  trouble.mode = 'none';
  await eventually(async () => (await attempt(order)).status === 200);
});

story('Killed between the provider’s answer and our commit: it is found again', async (stage) => {
  const { attempt, order, ann, owner, api, charges } = await open(stage);
  const second = await stage.start();
  trouble.mode = 'resets';
  const dies = attempt(order, 'page', api.on(second)).catch(() => {});
  await eventually(async () => (await charges()) === 1);
  await second.kill();
  await dies;
  trouble.mode = 'none';
  const again = await tryToPay(api, ann, order); // at the other process
  expect(await charges()).is(1);
  await press(api, again, 'pay');
  await becomes(stage, order, 'paid');
  const body = { amount_minor: 100, reason: 'A little back' };
  expect(await api.as(owner).post(`/v1/orders/${order.id}/refunds`, body)).status(201);
  await becomes(stage, order, 'partly_refunded');
  await booksAddUp(stage);
});

story('What the provider refuses is said, and can be tried anew', async (stage) => {
  const { api, owner, order, attempt } = await open(stage);
  const { target } = trouble;
  trouble.target = () => `${target()}/nowhere`;
  expect(await attempt(order)).problem('gateway_refuses', 409);
  trouble.target = target;
  const made = await attempt(order);
  expect(made).status(201);
  await press(api, { page: new URL(made.body.pay_url).pathname }, 'pay');
  await becomes(stage, order, 'paid');
  // It refuses a refund: that fails for all to see, and nothing is counted.
  await stage.sql`UPDATE test_charge SET refunded_minor = amount_minor WHERE key = ${made.id}`;
  const body = { amount_minor: 36500, reason: 'As agreed' };
  expect(await api.as(owner).post(`/v1/orders/${order.id}/refunds`, body)).status(201);
  const failed = await eventually(async () => {
    const reply = await api.as(owner).get(`/v1/orders/${order.id}/refunds`);
    return reply.body.data.find(({ state }) => state === 'failed');
  });
  expect(failed.error).isNot(null);
  const row = (await booksAddUp(stage)).find(({ id }) => id === order.id);
  expect(row).matches({ status: 'paid', refunded: 0 });
});
