// Orders that are paid in parts: by transfers that an operator writes down.
import { eventually, expect, story, uuid7 } from './lib/story.mjs';
import { Life } from './lib/life.mjs';
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
  const { api, people } = stage;
  const owner = await openTill(stage);
  const ann = await people.member({ name: 'Ann' });
  const plan = await new Shop(api, owner).plan();
  const order = await openOrder(stage, ann, plan);
  const came = (amount_minor, reference = uuid7()) =>
    api.as(owner).post(`/v1/orders/${order.id}/payments`, {
      amount_minor,
      currency: 'CNY',
      reference,
      note: 'Transfer',
    });
  const back = (body) =>
    api.as(owner).post(`/v1/orders/${order.id}/refunds`, { reason: 'As agreed', ...body });
  const read = async () => (await api.as(ann).get(`/v1/orders/${order.id}`)).body;
  return { api, owner, ann, plan, order, came, back, read };
}

story('Two transfers pay one order, and only the second opens the door', async (stage) => {
  const { api, owner, ann, order, came, read } = await open(stage);
  expect(await came(10000))
    .status(201)
    .body({ surplus: false });
  expect(await read()).matches({ status: 'partly_paid', paid_minor: 10000 });
  expect(await allowed(api, owner, ann)).is(false);
  expect(await api.as(ann).get(`/v1/orders/${order.id}/ways`)).body({
    data: (ways) => ways.every(({ amount_minor }) => amount_minor === 26500),
  });
  expect(await came(26500)).status(201);
  expect(await read()).matches({ status: 'paid', settled_at: /Z$/ });
  expect(await allowed(api, owner, ann)).is(true);
  await booksAddUp(stage);
});

story('What was paid of an order goes back when it runs out or is called off', async (stage) => {
  const { api, ann, owner, plan, order, came, back, read } = await open(stage);
  const first = await came(10000);
  const page = await tryToPay(api, ann, order);
  await stage.sql`UPDATE orders SET expires_at = now() - interval '1 s' WHERE id = ${order.id}`;
  await becomes(stage, order, 'expired');
  expect(await read()).matches({ paid_minor: 10000, refunded_minor: 0 });
  const [{ state }] = await eventually(async () => {
    const rows = await stage.sql`SELECT state FROM test_charge WHERE id = ${page.charge}`;
    return rows[0].state === 'closed' && rows;
  });
  expect(state).is('closed');
  // It came by hand, so an operator sends it back, and writes that down.
  const body = { payment_id: first.id, amount_minor: 10000, reference: 'B-1' };
  expect(await back(body))
    .status(201)
    .body({ state: 'done', surplus: true });
  expect(await read()).matches({ status: 'expired', refunded_minor: 10000 });
  expect(await came(26500))
    .status(201)
    .body({ surplus: true });

  const other = await openOrder(stage, ann, plan);
  const money = { amount_minor: 500, currency: 'CNY', reference: 'T-2', note: 'Transfer' };
  expect(await api.as(owner).post(`/v1/orders/${other.id}/payments`, money)).status(201);
  expect(await api.as(ann).post(`/v1/orders/${other.id}/cancel`))
    .status(200)
    .body({ status: 'cancelled', paid_minor: 500 });
  const rows = await booksAddUp(stage);
  const totals = rows.map(({ status, ahead, returnable }) => [status, ahead, returnable]);
  expect(totals.sort()).is([
    ['cancelled', 500, 0],
    ['expired', 0, 26500],
  ]);
});

story('An order of which some went back is not completed any more', async (stage) => {
  const { api, owner, ann, order, came, back, read } = await open(stage);
  await came(10000);
  expect(await back({ amount_minor: 4000, reference: 'B-1' })).status(201);
  const way = { provider: 'test', method: 'page' };
  expect(await api.as(ann).post(`/v1/orders/${order.id}/attempts`, way)).problem(
    'state_forbids',
    409,
  );
  expect(await came(26500))
    .status(201)
    .body({ surplus: true });
  expect(await allowed(api, owner, ann)).is(false);
  expect(await back({ amount_minor: 6000, reference: 'B-2' })).status(201);
  expect(await read()).matches({ status: 'cancelled', paid_minor: 10000, refunded_minor: 10000 });
  const [row] = await booksAddUp(stage);
  expect(row).matches({ ahead: 0, returnable: 26500, money: 26500 });
});

story(
  'A renewal that is paid in part holds nobody: reminded, and in time it ends',
  async (stage) => {
    const life = await Life.open(stage);
    const plan = await life.plan();
    const { person, now } = await life.joined(plan);
    await life.pass(person, '20 days');
    await life.walk();
    const { order_id: id } = (await now()).renewal;
    expect(
      await life.console.post(`/v1/orders/${id}/payments`, {
        amount_minor: 1000,
        currency: 'CNY',
        reference: 'T-1',
        note: 'Transfer',
      }),
    ).status(201);
    await life.pass(person, '12 days');
    await life.walk();
    expect(await life.topics(person, 'renewal.reminded')).is(['renewal.reminded']);
    await life.pass(person, '16 days');
    await life.walk();
    expect(await now()).matches({ status: 'expired', auto_renew: false, renewal: null });
    const [row] = await stage.sql`
    SELECT status, paid_minor::int AS paid FROM orders WHERE id = ${id}`;
    expect(row).is({ status: 'expired', paid: 1000 });
  },
);

story('A transfer that is written down days later costs no day', async (stage) => {
  const { api, owner, ann, order } = await open(stage);
  const days = (n) => `${n} days`;
  await stage.sql`
    UPDATE orders SET created_at = created_at - ${days(5)}::interval, quoted_at = quoted_at
      - ${days(5)}::interval, quote_until = quote_until - ${days(5)}::interval,
      expires_at = now() + interval '1 day' WHERE id = ${order.id}`;
  const money = {
    amount_minor: 36500,
    currency: 'CNY',
    reference: 'T-5',
    note: 'Transfer',
    paid_at: new Date(Date.now() - 4 * 86_400_000).toISOString(),
  };
  expect(await api.as(owner).post(`/v1/orders/${order.id}/payments`, money)).status(201);
  const [{ begins }] = await stage.sql`
    SELECT lower(span) AS begins FROM entitlement WHERE member_id = ${ann.id}`;
  expect(Math.abs(begins - Date.now())).atMost(60_000);
});

/** A month of silver, upgraded to gold half-way; both paid at the provider. */
async function upgraded(stage) {
  const { api, people, sql } = stage;
  const owner = await openTill(stage);
  const shop = new Shop(api, owner);
  const month = { product: await shop.product(), period_unit: 'day', period_count: 30 };
  const silver = await shop.plan({ ...month, tier: 1, price_minor: 10000 });
  const gold = await shop.plan({ ...month, tier: 2, price_minor: 30000 });
  const ann = await people.member({ name: 'Ann' });
  const pay = async (order) => {
    const attempt = await tryToPay(api, ann, order);
    await press(api, attempt, 'pay');
    await becomes(stage, order, 'paid');
    return attempt;
  };
  const first = await openOrder(stage, ann, silver);
  const charge = await pay(first);
  await sql`
    UPDATE entitlement SET span = tstzrange(lower(span) - interval '15 days',
      upper(span) - interval '15 days') WHERE member_id = ${ann.id}`;
  const second = await openOrder(stage, ann, gold, { kind: 'upgrade' });
  expect(second.total_minor).atLeast(24990).atMost(25010);
  await pay(second);
  const left = async () => {
    const [{ days }] = await sql`
      SELECT coalesce(sum(extract(epoch FROM upper(span) - greatest(lower(span), now()))), 0)::float8
        / 86400 AS days
      FROM entitlement WHERE member_id = ${ann.id} AND voided_at IS NULL AND upper(span) > now()`;
    return days;
  };
  return { api, owner, ann, first, second, charge, left };
}

story('A dispute of what paid for an upgrade stops the upgrade; won, it goes on', async (stage) => {
  const { api, owner, ann, charge, second, left } = await upgraded(stage);
  expect(await left())
    .atLeast(29.99)
    .atMost(30.01);
  await press(api, charge, 'dispute');
  await eventually(async () => !(await allowed(api, owner, ann)));
  const back = { amount_minor: 1, reason: 'x' };
  expect(await api.as(owner).post(`/v1/orders/${second.id}/refunds`, back)).problem(
    'state_forbids',
    409,
  );
  await press(api, charge, 'win');
  await eventually(() => allowed(api, owner, ann));
  expect(await left())
    .atLeast(29.99)
    .atMost(30.01);
  await booksAddUp(stage);
});

story('Lost, the upgrade loses the share that the disputed money paid for', async (stage) => {
  const { api, owner, ann, charge, first, second, left } = await upgraded(stage);
  await press(api, charge, 'dispute');
  await press(api, charge, 'lose');
  await becomes(stage, first, 'refunded');
  expect(await allowed(api, owner, ann)).is(true);
  expect(await left())
    .atLeast(24.9)
    .atMost(25.1); // of 30 days, 5000 of 30000 was credited
  const rows = await booksAddUp(stage);
  expect(rows.find(({ id }) => id === first.id)).matches({ refunded: 10000, money: 0 });
  expect(rows.find(({ id }) => id === second.id)).matches({ status: 'paid' });
});
