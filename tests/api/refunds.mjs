// Money back, in full and in part, and what it takes along; disputes.
import { eventually, expect, patiently, race, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import {
  allowed,
  becomes,
  booksAddUp,
  eventOf,
  openOrder,
  openTill,
  press,
  teller,
  tryToPay,
} from './lib/orders.mjs';

const DAY = 86_400_000;

async function open(stage, terms) {
  const owner = await openTill(stage);
  const ann = await stage.people.member({ name: 'Ann' });
  const plan = await new Shop(stage.api, owner).plan(terms);
  const { api } = stage;
  const pay = async (order, who = ann) => {
    const attempt = await tryToPay(api, who, order);
    expect(await press(api, attempt, 'pay')).status(303);
    await becomes(stage, order, 'paid');
    return attempt;
  };
  const back = ({ id }, body, who = owner) =>
    api.as(who).post(`/v1/orders/${id}/refunds`, { reason: 'As agreed', ...body });
  const done = ({ id }, count = 1) =>
    eventually(async () => {
      const { body } = await api.as(owner).get(`/v1/orders/${id}/refunds`);
      return body.data.filter(({ state }) => state === 'done').length >= count && body.data;
    });
  const order = await openOrder(stage, ann, plan);
  return { ...stage, owner, ann, plan, order, pay, back, done };
}

const endOf = async ({ sql }, { id }) =>
  (
    await sql`
      SELECT max(upper(span)) AS ends FROM entitlement WHERE member_id = ${id} AND voided_at IS NULL`
  )[0].ends;

story(
  'A full refund takes back what was bought, and the money goes the way it came',
  async (stage) => {
    const world = await open(stage);
    const { api, owner, ann, order, pay, back, done } = world;
    await pay(order);
    expect(await allowed(api, owner, ann)).is(true);
    expect(await back(order, { amount_minor: 36500 }, ann)).problem('not_allowed', 403);
    expect(await back({ id: uuid7() }, { amount_minor: 1 })).problem('not_found', 404);
    expect(await back(order, { amount_minor: 36501 })).fault('/amount_minor', 'too_much');
    expect(await back(order, { amount_minor: 1, reference: 'x' })).fault(
      '/reference',
      'superfluous',
    );
    expect(await back(order, { amount_minor: 1, payment_id: uuid7() })).fault(
      '/payment_id',
      'unknown',
    );
    const asked = await back(order, { amount_minor: 36500 });
    expect(asked).status(201).body({ state: 'asked', keeps: false, asked_by: owner.id });
    const [refund] = await done(order);
    expect(refund).matches({ id: asked.id, amount_minor: 36500, surplus: false });
    expect(await allowed(api, owner, ann)).is(false);
    const access = await api.as(owner).get(`/v1/members/${ann.id}/access`);
    expect(access).body({ allowed: false, because: 'voided' });
    const [row] = await booksAddUp(stage);
    expect(row).matches({ status: 'refunded', money: 0 });
    expect(await back(order, { amount_minor: 1 })).fault('/amount_minor', 'too_much');
  },
);

story('A partial refund takes its share of the time, from the end; or nothing', async (stage) => {
  const world = await open(stage);
  const { api, owner, ann, order, pay, back, done } = world;
  await pay(order);
  const before = await endOf(world, ann);
  expect(await back(order, { amount_minor: 500, keeps: true }))
    .status(201)
    .body({ keeps: true });
  await done(order, 1);
  expect((await endOf(world, ann)).getTime()).is(before.getTime());
  expect(await back(order, { amount_minor: 3650 })).status(201);
  await done(order, 2);
  const [{ length }] = await stage.sql`
    SELECT extract(epoch FROM ends_at - starts_at)::float8 * 1000 AS length FROM order_line
    WHERE order_id = ${order.id}`;
  const cut = before.getTime() - (await endOf(world, ann)).getTime();
  expect(Math.abs(cut - length / 10)).atMost(2000);
  expect(await allowed(api, owner, ann)).is(true);
  const [row] = await booksAddUp(stage);
  expect(row).matches({ status: 'partly_refunded', refunded: 4150 });
});

story('64 refunds at once never give back more than was paid', async (stage) => {
  const world = await open(stage);
  const { order, pay, back, done } = world;
  await pay(order);
  const replies = await race(64, () => back(order, { amount_minor: 10000, keeps: true }));
  const good = replies.filter(({ status }) => status === 201).length;
  expect(good).atLeast(1);
  expect(good).atMost(3);
  for (const { status } of replies) expect([201, 422, 503].includes(status)).is(true);
  await done(order, good);
  const [row] = await booksAddUp(stage);
  expect(row).matches({ refunded: good * 10000 });
  expect(row.money).is(36500 - good * 10000);
});

story('By hand a refund is recorded with the reference that proves it', async (stage) => {
  const world = await open(stage);
  const { api, owner, ann, order, back } = world;
  expect(await back(order, { amount_minor: 1, reference: 'x' })).problem('state_forbids', 409);
  const paid = await api.as(owner).post(`/v1/orders/${order.id}/payments`, {
    amount_minor: 36500,
    currency: 'CNY',
    reference: 'T-9',
    note: 'Cash',
  });
  expect(paid).status(201);
  expect(await back(order, { amount_minor: 36500 })).fault('/reference', 'required');
  const headers = { 'Idempotency-Key': 'back' };
  const body = { amount_minor: 36500, reason: 'Moved away', reference: 'B-9' };
  for (let i = 0; i < 2; i++) {
    const reply = await api.as(owner).post(`/v1/orders/${order.id}/refunds`, body, { headers });
    expect(reply).status(201).body({ state: 'done', reference: 'B-9' });
  }
  expect(await back(order, { amount_minor: 1, reference: 'B-9' })).problem('reference_taken', 409);
  expect(await allowed(api, owner, ann)).is(false);
  const [row] = await booksAddUp(stage);
  expect(row).matches({ status: 'refunded', money: 0 });
});

story('A refund that races a renewal: each has its own effect', async (stage) => {
  const world = await open(stage, { renews: true });
  const { api, owner, ann, order, pay, back, done } = world;
  await pay(order);
  const [membership] = await stage.sql`SELECT id FROM membership WHERE member_id = ${ann.id}`;
  const kind = { kind: 'renewal', membership_id: membership.id };
  const renewal = await openOrder(world, ann, null, kind); // appended behind the first
  const attempt = await tryToPay(api, ann, renewal);
  const refund = () => patiently(() => back(order, { amount_minor: 36500 }));
  await Promise.all([refund(), press(api, attempt, 'pay')]);
  await done(order);
  await becomes(world, renewal, 'paid');
  expect(await allowed(api, owner, ann)).is(true);
  const spans = await stage.sql`
    SELECT lower(span) AS begins, upper(span) AS ends FROM entitlement
    WHERE member_id = ${ann.id} AND voided_at IS NULL AND upper(span) > now()`;
  const days = spans.reduce(
    (sum, { begins, ends }) => sum + (ends - Math.max(begins, Date.now())),
    0,
  );
  expect(Math.round(days / DAY)).atLeast(364); // a year is left: nobody lost it
  expect(Math.round(days / DAY)).atMost(366);
  await booksAddUp(stage);
});

story('A dispute takes the membership out of force; won, the rest comes back', async (stage) => {
  const world = await open(stage);
  const { api, owner, ann, order, pay, back } = world;
  const attempt = await pay(order);
  const before = await endOf(world, ann);
  await press(api, attempt, 'dispute');
  await eventually(async () => !(await allowed(api, owner, ann)));
  expect(await back(order, { amount_minor: 1 })).problem('state_forbids', 409);
  const disputes = () => api.as(ann).get(`/v1/orders/${order.id}/disputes`);
  expect(await disputes()).body({ data: [{ state: 'open', amount_minor: 36500 }] });
  await press(api, attempt, 'win', { twice: 1 });
  await eventually(() => allowed(api, owner, ann));
  expect(await disputes()).body({ data: [{ state: 'won' }] });
  expect(Math.abs((await endOf(world, ann)) - before)).atMost(60_000);
  await booksAddUp(stage);
});

story('A lost dispute revokes, and the money is gone from the books', async (stage) => {
  const world = await open(stage);
  const { api, owner, ann, order, pay } = world;
  const attempt = await pay(order);
  await press(api, attempt, 'dispute', { hold: 1 });
  await press(api, attempt, 'lose');
  await becomes(world, order, 'refunded');
  await eventually(
    async () =>
      (
        await stage.sql`SELECT count(*)::int AS n FROM payment_event WHERE handled_at IS NOT NULL
      AND kind = 'disputed' AND community_id = ${stage.community.id}`
      )[0].n === 1,
  );
  expect(await allowed(api, owner, ann)).is(false);
  expect(await api.as(ann).get(`/v1/orders/${order.id}/refunds`)).body({
    data: [{ reference: /^dispute:/, state: 'done', asked_by: null }],
  });
  const [row] = await booksAddUp(stage);
  expect(row).matches({ status: 'refunded', money: 0 });
});

story('A refund that its provider refuses is told of: to the payer, and in the timeline', async (
  stage,
) => {
  const world = await open(stage);
  const { api, owner, ann, order, back, sql } = world;
  await sql`
    INSERT INTO selling_policy (community_id, quiet_from, quiet_until)
    VALUES (${stage.community.id}, 0, 0)`;
  const attempt = await tryToPay(api, ann, order);
  // The provider itself knows of no payment, so it refuses.
  expect(await teller(api)(stage.community, eventOf('paid', attempt))).status(204);
  const asked = await back(order, { amount_minor: 1000 });
  expect(asked).status(201);
  const failed = await eventually(async () => {
    const { body } = await api.as(owner).get(`/v1/orders/${order.id}/refunds`);
    return body.data.find(({ state }) => state === 'failed');
  });
  expect(failed).matches({ id: asked.body.id, error: /./ });
  const mails = () => sql`
    SELECT subject, body FROM mailbox WHERE recipient = ${ann.email} AND subject LIKE '退款%'`;
  const [mail] = await eventually(async () => (await mails()).length > 0 && mails());
  expect(mail.subject).is('退款延迟');
  expect(mail.body).matches(/年卡的退款 ¥10\.00 暂未成功/);
  const mine = await api.as(ann).get('/v1/me/timeline');
  expect(mine.body.data[0]).matches({
    kind: 'refund.failed',
    by: 'house',
    reason: null,
    amount_minor: 1000,
    order_id: order.id,
    says: { en: 'A refund could not be made yet' },
  });
  const theirs = await api.as(owner).get(`/v1/members/${ann.id}/timeline`);
  expect(theirs.body).is(mine.body);
  const audit = await api.as(owner).get('/v1/audit-log', { query: { action: 'refund.fail' } });
  expect(audit.body.data).matches([{ after: { request_id: asked.body.id, error: /./ } }]);
  await new Promise((passed) => setTimeout(passed, 1500));
  expect((await mails()).length).is(1);
});

story('A dispute of a surplus takes nothing from what the other payment bought', async (stage) => {
  const world = await open(stage);
  const { api, owner, ann, order } = world;
  const tell = teller(api);
  const first = await tryToPay(api, ann, order, 'page');
  const second = await tryToPay(api, ann, order, 'qr');
  for (const one of [first, second]) {
    expect(await tell(stage.community, eventOf('paid', one))).status(204);
  }
  // The provider knows nothing of it, so the refund waits for people; meanwhile it is disputed.
  const dispute = { dispute: 'd_2' };
  expect(await tell(stage.community, eventOf('disputed', second, dispute))).status(204);
  expect(await allowed(api, owner, ann)).is(true);
  expect(await tell(stage.community, eventOf('lost', second, dispute))).status(204);
  expect(await allowed(api, owner, ann)).is(true);
  const [row] = await booksAddUp(stage);
  expect(row).matches({ status: 'paid', refunded: 0, returnable: 0, money: 36500 });
});
