// How orders are paid: by hand, and at a provider that tells us of it.
import { eventually, expect, race, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import {
  allowed,
  becomes,
  booksAddUp,
  openOrder,
  openTill,
  press,
  tryToPay,
} from './lib/orders.mjs';

async function open(stage) {
  const owner = await openTill(stage);
  const ann = await stage.people.member({ name: 'Ann' });
  const plan = await new Shop(stage.api, owner).plan();
  const order = await openOrder(stage, ann, plan);
  const { api } = stage;
  const record = (body, who = owner, { id } = order) =>
    api.as(who).post(`/v1/orders/${id}/payments`, body);
  return { api, owner, ann, plan, order, record };
}

const transfer = (more) => ({
  amount_minor: 36500,
  currency: 'CNY',
  reference: `T-${uuid7()}`,
  note: 'Arrived on the account',
  ...more,
});

story('A member sees how to pay, and an operator records the transfer', async (stage) => {
  const { api, owner, ann, order, record } = await open(stage);
  expect(await api.as(ann).get(`/v1/orders/${order.id}/ways`))
    .status(200)
    .body({
      data: [
        { provider: 'hand', method: 'transfer', amount_minor: 36500, account: { en: 'IBAN 1' } },
        { provider: 'hand', method: 'cash' },
        { provider: 'test', method: 'page', account: null },
        { provider: 'test', method: 'qr' },
      ],
    });
  const body = { provider: 'hand', method: 'transfer' };
  const [before] = await stage.sql`SELECT expires_at FROM orders WHERE id = ${order.id}`;
  const tried = await api.as(ann).post(`/v1/orders/${order.id}/attempts`, body);
  expect(tried)
    .status(201)
    .body({ state: 'open', account: { 'zh-CN': '账号 1' }, pay_url: null });
  expect(Date.parse(tried.body.expires_at)).atLeast(before.expires_at.getTime() + 6 * 86_400_000);
  expect(await api.as(ann).post(`/v1/orders/${order.id}/attempts`, body))
    .status(200)
    .body({ id: tried.id });
  expect(await allowed(api, owner, ann)).is(false);
  const paid = await record(transfer({ evidence_url: 'https://example.org/slip.png' }));
  expect(paid).status(201).body({ surplus: false, provider: 'hand', received_by: owner.id });
  expect(await allowed(api, owner, ann)).is(true);
  expect(await api.as(ann).get(`/v1/orders/${order.id}/payments`)).body({
    data: [{ id: paid.id, evidence_url: null }],
  });
  expect(await api.as(ann).get(`/v1/orders/${order.id}/ways`)).body({ data: [] });
  expect(await api.as(ann).post(`/v1/orders/${order.id}/attempts`, body)).problem('state_forbids');
  const [{ state }] = await stage.sql`SELECT state FROM payment_attempt WHERE id = ${tried.id}`;
  expect(state).is('paid');
  await booksAddUp(stage);
});

story('What operators note for themselves buyers do not see; a refund’s reason they do', async (
  stage,
) => {
  const { api, owner, ann, order, record } = await open(stage);
  const secret = 'Paid late again, watch her';
  const evidence = 'https://example.org/our-account.png';
  expect(await record(transfer({ note: secret, evidence_url: evidence }))).status(201);
  const path = `/v1/orders/${order.id}`;
  const words = { amount_minor: 500, reason: 'As a courtesy', reference: 'R-1', keeps: true };
  expect(await api.as(owner).post(`${path}/refunds`, words)).status(201);
  const seen = { note: secret, evidence_url: evidence, received_by: owner.id };
  const hidden = { note: null, evidence_url: null, received_by: null };
  expect(await api.as(owner).get(`${path}/payments`)).status(200).body({ data: [seen] });
  expect(await api.as(ann).get(`${path}/payments`)).status(200).body({ data: [hidden] });
  const back = { reason: 'As a courtesy', reference: 'R-1', state: 'done' };
  const whom = { ...back, asked_by: owner.id };
  expect(await api.as(owner).get(`${path}/refunds`)).status(200).body({ data: [whom] });
  expect(await api.as(ann).get(`${path}/refunds`))
    .status(200)
    .body({ data: [{ ...back, asked_by: null, error: null }] });
  await stage.sql`UPDATE refund_request SET error = ${secret} WHERE reason = 'As a courtesy'`;
  for (const all of [`${path}/payments`, `${path}/refunds`, `${path}/receipt`, path]) {
    expect((await api.as(ann).get(all)).text.includes(secret)).is(false, all);
  }
  const mine = [
    await api.as(ann).get('/v1/me/timeline'),
    await api.as(ann).get('/v1/me/orders'),
    await api.as(ann).post('/v1/me/exports'),
  ];
  for (const { text } of mine) {
    expect(text.includes(order.id)).is(true);
    expect(text.includes(secret)).is(false, text);
  }
});

story('What is recorded by hand is checked, counted once, and audited', async (stage) => {
  const { api, owner, ann, order, record } = await open(stage);
  expect(await record(transfer({ currency: 'USD' }))).fault('/currency', 'differs');
  const late = new Date(Date.now() + 9e6).toISOString();
  expect(await record(transfer({ paid_at: late }))).fault('/paid_at', 'too_late');
  expect(await record(transfer({ evidence_url: 'javascript:1' }))).fault('/evidence_url', 'format');
  expect(await record(transfer(), ann)).problem('not_allowed', 403);
  expect(await record(transfer(), owner, { id: uuid7() })).problem('not_found', 404);
  expect(await record(transfer({ amount_minor: 10000, reference: 'half' }))).status(201);
  expect(await record(transfer({ amount_minor: 10000, reference: 'half' }))).problem(
    'reference_taken',
    409,
  );
  const headers = { 'Idempotency-Key': 'the rest' };
  const rest = transfer({ amount_minor: 26500 });
  const twice = await race(2, () =>
    api.as(owner).post(`/v1/orders/${order.id}/payments`, rest, { headers }),
  );
  const again = await api.as(owner).post(`/v1/orders/${order.id}/payments`, rest, { headers });
  expect(again).status(201).header('Idempotent-Replayed', 'true');
  expect(twice.filter(({ status }) => status === 201).length).atLeast(1);
  const [row] = await booksAddUp(stage);
  expect(row).matches({ status: 'paid', paid: 36500 });
  const log = await api.as(owner).get('/v1/audit-log', { query: { limit: 100 } });
  expect(log.body.data.filter(({ action }) => action === 'payment.record').length).is(2);
});

story('Paid on the provider’s page, it is told by a signed notification', async (stage) => {
  const { api, owner, ann, order } = await open(stage);
  const attempt = await tryToPay(api, ann, order);
  expect((await tryToPay(api, ann, order)).id).is(attempt.id);
  const page = await api.get(attempt.page, { headers: { Accept: 'text/html' } });
  expect(page)
    .status(200)
    .header('Content-Security-Policy', /default-src 'none'/);
  expect(page).text(/365\.00 CNY/);
  expect(/<script/i.test(page.text)).is(false);
  const chinese = await api.get(attempt.page, { headers: { 'Accept-Language': 'zh-CN' } });
  expect(chinese).text(/等待付款/);
  expect(await press(api, attempt, 'pay', { twice: 1 }))
    .status(303)
    .header('Location', attempt.page);
  await becomes(stage, order, 'paid');
  expect(await api.get(attempt.page)).text(/Paid/);
  expect(await allowed(api, owner, ann)).is(true);
  await eventually(async () => {
    const [{ left }] = await stage.sql`SELECT sum(copies)::int AS left FROM test_event`;
    return left === 0;
  });
  const payments = await api.as(ann).get(`/v1/orders/${order.id}/payments`);
  expect(payments).body({
    data: [{ reference: attempt.charge, surplus: false, provider: 'test' }],
  });
  await booksAddUp(stage);
});

story('A failed payment can be tried again, as another one', async (stage) => {
  const { api, ann, order } = await open(stage);
  const first = await tryToPay(api, ann, order);
  expect(await press(api, first, 'fail')).status(303);
  await eventually(
    async () =>
      (await stage.sql`SELECT state FROM payment_attempt WHERE id = ${first.id}`)[0].state ===
      'failed',
  );
  const second = await tryToPay(api, ann, order);
  expect(second.id).isNot(first.id);
  expect(await press(api, second, 'pay')).status(303);
  await becomes(stage, order, 'paid');
  expect(await press(api, second, 'pay')).status(303); // nothing more to press
  expect(await press(api, second, 'nonsense')).status(303);
  const nowhere = { page: `/pay/test/${stage.community.slug}/${uuid7()}` };
  expect(await api.get(nowhere.page)).problem('not_found', 404);
  expect(await press(api, nowhere, 'pay')).problem('not_found', 404);
  await booksAddUp(stage);
});

story('Two devices pay one order: one counts, the other goes back and is told', async (stage) => {
  const { api, owner, ann, order } = await open(stage);
  const [page, qr] = await Promise.all([
    tryToPay(api, ann, order, 'page'),
    tryToPay(api, ann, order, 'qr'),
  ]);
  expect(page.id).isNot(qr.id);
  await Promise.all([press(api, page, 'pay'), press(api, qr, 'pay')]);
  const refund = await eventually(async () => {
    const { body } = await api.as(ann).get(`/v1/orders/${order.id}/refunds`);
    return body.data.find(({ state }) => state === 'done');
  });
  expect(refund).matches({ surplus: true, amount_minor: 36500, provider: 'test' });
  const { body } = await api.as(ann).get(`/v1/orders/${order.id}/payments`);
  expect(body.data.map(({ surplus }) => surplus).sort()).is([false, true]);
  const told = await stage.sql`
    SELECT topic FROM outbox WHERE community_id = ${stage.community.id}
      AND topic IN ('payment.surplus', 'payment.refunded') ORDER BY topic`;
  expect(told.map(({ topic }) => topic)).is(['payment.refunded', 'payment.surplus']);
  expect(await allowed(api, owner, ann)).is(true);
  const [row] = await booksAddUp(stage);
  expect(row).matches({ status: 'paid', paid: 36500, refunded: 0, returnable: 0, money: 36500 });
});

story('A surplus by hand is paid back by hand, and written down', async (stage) => {
  const { api, owner, order, record } = await open(stage);
  expect(await record(transfer())).status(201);
  const extra = await record(transfer({ amount_minor: 500 }));
  expect(extra).status(201).body({ surplus: true });
  const back = (body) => api.as(owner).post(`/v1/orders/${order.id}/refunds`, body);
  const body = { amount_minor: 500, reason: 'Paid twice', payment_id: extra.id };
  expect(await back(body)).fault('/reference', 'required');
  expect(await back({ ...body, reference: 'B-1', amount_minor: 400 })).fault(
    '/amount_minor',
    'differs',
  );
  expect(await back({ ...body, reference: 'B-1' }))
    .status(201)
    .body({ state: 'done', surplus: true });
  expect(await back({ ...body, reference: 'B-2' })).problem('state_forbids', 409);
  const [row] = await booksAddUp(stage);
  expect(row).matches({ status: 'paid', returnable: 0, money: 36500 });
});

story('When no notification comes, the provider is asked', async (stage) => {
  const { api, ann, order } = await open(stage);
  const attempt = await tryToPay(api, ann, order);
  const paid = () => stage.sql`
    UPDATE test_charge SET state = 'paid', paid_at = now() WHERE id = ${attempt.charge}`;
  const [due] = await stage.sql`
    SELECT extract(epoch FROM next_look_at - created_at)::int AS after,
      (SELECT expires_at FROM orders WHERE id = ${order.id}) > next_look_at AS early
    FROM payment_attempt WHERE id = ${attempt.id}`;
  expect(due).is({ after: 180, early: true });
  await paid();
  await stage.sql`UPDATE payment_attempt SET next_look_at = now() WHERE id = ${attempt.id}`;
  await becomes(stage, order, 'paid');
  await booksAddUp(stage);
});

story('Who closes an order closes its attempts at the provider', async (stage) => {
  const { api, ann, order, plan } = { ...(await open(stage)) };
  const attempt = await tryToPay(api, ann, order);
  await stage.sql`SELECT order_close(${stage.community.id}, ${order.id}, 'cancelled')`;
  await eventually(
    async () =>
      (await stage.sql`SELECT state FROM test_charge WHERE id = ${attempt.charge}`)[0].state ===
      'closed',
  );
  await press(api, attempt, 'pay');
  expect(await api.get(attempt.page)).text(/Closed/);
  // Paid in the very moment: it is found when it is to be closed, and goes back.
  const late = await openOrder(stage, ann, plan);
  const second = await tryToPay(api, ann, late);
  await stage.sql`
    UPDATE test_charge SET state = 'paid', paid_at = now() WHERE id = ${second.charge}`;
  await stage.sql`SELECT order_close(${stage.community.id}, ${late.id}, 'expired')`;
  await eventually(async () => {
    const { body } = await api.as(ann).get(`/v1/orders/${late.id}/refunds`);
    return body.data.some(({ state, surplus }) => state === 'done' && surplus);
  });
  for (const row of await booksAddUp(stage)) expect(row).matches({ paid: 0, money: 0 });
});

story(
  'Part of it came by hand: the rest is asked for, and the old page is closed',
  async (stage) => {
    const { api, ann, order, record } = await open(stage);
    const whole = await tryToPay(api, ann, order);
    expect(await record(transfer({ amount_minor: 10000 }))).status(201);
    const rest = await tryToPay(api, ann, order);
    expect(rest).matches({ amount_minor: 26500 });
    await eventually(
      async () =>
        (await stage.sql`SELECT state FROM test_charge WHERE id = ${whole.charge}`)[0].state ===
        'closed',
    );
    await press(api, rest, 'pay');
    await becomes(stage, order, 'paid');
    await booksAddUp(stage);
  },
);

story('Others’ orders are not there; unknown ways are refused', async (stage) => {
  const { api, ann, order } = await open(stage);
  const bob = await stage.people.member({ name: 'Bob' });
  for (const what of ['ways', 'payments', 'refunds', 'disputes']) {
    expect(await api.as(bob).get(`/v1/orders/${order.id}/${what}`)).problem('not_found', 404);
  }
  const attempt = (who, body) => api.as(who).post(`/v1/orders/${order.id}/attempts`, body);
  expect(await attempt(bob, { provider: 'hand', method: 'cash' })).problem('not_found', 404);
  expect(await attempt(ann, { provider: 'paypal', method: 'page' })).fault('/provider', 'unknown');
  expect(await attempt(ann, { provider: 'test', method: 'wink' })).fault('/method', 'unknown');
  await stage.sql`UPDATE community SET demo = false WHERE id = ${stage.community.id}`;
  expect(await attempt(ann, { provider: 'test', method: 'page' })).problem('way_closed', 409);
  expect(await attempt(bob, { provider: 'test', method: 'page' })).problem('not_found', 404);
  await stage.sql`UPDATE community SET demo = true WHERE id = ${stage.community.id}`;
});

story('64 devices ask for one way to pay, and 64 operators record one order', async (stage) => {
  const { api, ann, order, record } = await open(stage);
  const asked = await race(64, () =>
    api.as(ann).post(`/v1/orders/${order.id}/attempts`, { provider: 'test', method: 'page' }),
  );
  const good = asked.filter(({ status }) => status < 300);
  expect(good.length).atLeast(1);
  expect(new Set(good.map(({ id }) => id)).size).is(1);
  const [{ n }] = await stage.sql`
    SELECT count(*)::int AS n FROM test_charge WHERE community_id = ${stage.community.id}`;
  expect(n).is(1);
  const recorded = await race(64, () => record(transfer()));
  const counted = recorded.filter(({ status, body }) => status === 201 && !body.surplus);
  expect(counted.length).is(1);
  const [row] = await booksAddUp(stage);
  expect(row).matches({ status: 'paid', paid: 36500, sales: 1 });
});
