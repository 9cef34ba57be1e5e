// What providers tell us is believed only when it is genuine, fresh, and about what was agreed; and
// it has one effect, however often and in whatever order it comes.
import { createHmac } from 'node:crypto';
import { eventually, expect, raw, race, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import {
  allowed,
  booksAddUp,
  eventOf,
  openOrder,
  openTill,
  SECRET,
  sign,
  teller,
  tryToPay,
} from './lib/orders.mjs';

async function open(stage, more) {
  const owner = await openTill(stage);
  const ann = await stage.people.member({ name: 'Ann' });
  const plan = await new Shop(stage.api, owner).plan(more);
  const order = await openOrder(stage, ann, plan);
  const attempt = await tryToPay(stage.api, ann, order);
  const tell = teller(stage.api);
  return { ...stage, owner, ann, plan, order, attempt, tell };
}

const effects = async ({ sql, community: { id } }) =>
  (
    await sql`
      SELECT (SELECT count(*)::int FROM payment WHERE community_id = ${id}) AS payments,
        (SELECT count(*)::int FROM entitlement WHERE community_id = ${id}) AS spans,
        (SELECT count(*)::int FROM payment_event WHERE community_id = ${id}) AS events`
  )[0];

const NOTHING = { payments: 0, spans: 0, events: 0 };

/** A provider tries again when it is not heard. */
async function insist(tell, community, event) {
  for (let i = 0; i < 40; i++) {
    const reply = await tell(community, event);
    if (reply.status !== 503) return reply;
    await new Promise((again) => setTimeout(again, 50));
  }
  throw new Error('never heard');
}

story('Forged, stale, replayed and truncated notifications have no effect', async (stage) => {
  const world = await open(stage);
  const { api, community, attempt, tell } = world;
  const event = eventOf('paid', attempt);
  const text = JSON.stringify(event);
  const forged = {
    'another secret': { secret: 'bad0'.repeat(16) },
    'no signature': { signature: '' },
    'an empty v1': { signature: `t=${Math.floor(Date.now() / 1000)},v1=` },
    'not hexadecimal': { signature: `t=${Math.floor(Date.now() / 1000)},v1=${'z'.repeat(64)}` },
    'no time': { signature: sign(text).replace(/^t=\d+,/, '') },
    'too old': { at: Date.now() - 302_000 },
    'too new': { at: Date.now() + 600_000 },
    'another time than signed': { signature: sign(text).replace(/t=\d+/, 't=1') },
    'another body': { body: text.replace('"CNY"', '"CNy"'), signature: sign(text) },
    'white space more': { body: `${text} `, signature: sign(text) },
    'half of it': { body: text.slice(0, 40), signature: sign(text) },
    'half of it, signed': { body: text.slice(0, 40) },
    'no body': { body: '' },
    'not an object': { body: '[]' },
    'no id': { body: JSON.stringify({ ...event, id: undefined }) },
    'no charge': { body: JSON.stringify({ ...event, charge: '' }) },
    'no amount': { body: JSON.stringify({ ...event, amount_minor: 0 }) },
    'a fraction': { body: JSON.stringify({ ...event, amount_minor: 0.5 }) },
  };
  for (const [what, how] of Object.entries(forged)) {
    const reply = await tell(community, event, how);
    if (reply.status !== 400) throw new Error(`${what}: ${reply.status}`);
    expect(reply).problem('notification_refused');
  }
  expect(await effects(world)).is(NOTHING);
  const other = await stage.another();
  expect(await tell(other, event)).problem('not_found', 404);
  const target = (provider) => `/v1/gateways/${provider}/${community.slug}/notifications`;
  for (const provider of ['hand', 'stripe', 'nobody']) {
    expect(await api.post(target(provider), raw(text))).problem('not_found', 404);
  }
  expect(await tell({ slug: 'nowhere' }, event)).problem('not_found', 404);
  for (const at of [Date.now() - 240_000, Date.now() + 240_000]) {
    expect(await tell(community, { ...eventOf('news', attempt), id: `n-${at}` }, { at })).status(
      204,
    );
  }
  expect(await tell(community, event)).status(204);
  const told = () => stage.log().match(/notification_refused/g) ?? [];
  await eventually(() => told().length >= Object.keys(forged).length);
  expect(await effects(world)).matches({ payments: 1, spans: 1 });
});

story('A genuine one about something else than was agreed pays nothing', async (stage) => {
  const world = await open(stage);
  const { community, attempt, tell, plan, ann } = world;
  const other = await openOrder(stage, ann, plan);
  const second = await tryToPay(stage.api, ann, other);
  const wrong = [
    { amount_minor: attempt.amount_minor - 1 },
    { amount_minor: attempt.amount_minor + 1 },
    { currency: 'USD' },
    { reference: uuid7() },
    { reference: second.id }, // another order's attempt, with this one's charge
  ];
  for (const more of wrong) {
    expect(await tell(community, eventOf('paid', attempt, more))).status(204);
  }
  expect(await effects(world)).is({ payments: 0, spans: 0, events: wrong.length });
  const outcomes = await stage.sql`
    SELECT outcome, count(*)::int AS n FROM payment_event
    WHERE community_id = ${community.id} GROUP BY outcome ORDER BY outcome`;
  expect(outcomes).is([
    { outcome: 'differs', n: 4 },
    { outcome: 'not_found', n: 1 },
  ]);
  await booksAddUp(stage);
});

story(
  'A community’s secret opens no other one, and one of its own is kept sealed',
  async (stage) => {
    const world = await open(stage);
    const { community, attempt, tell, sql, another } = world;
    const there = await another();
    const abroad = { ...stage, community: there, people: stage.people.in(there) };
    const keeper = await openTill(abroad);
    const secret = 'cafe'.repeat(16);
    const put = { provider: 'test', settings: { secret } };
    expect(await stage.api.as(keeper).put('/v1/gateways', put)).status(200);
    expect(await tell(there, eventOf('paid', attempt))).problem('notification_refused', 400);
    expect(await tell(there, eventOf('paid', attempt), { secret })).status(204);
    expect(await effects(world)).is(NOTHING);
    expect(await tell(community, eventOf('paid', attempt))).status(204);
    const [row] = await sql`
    SELECT position('charge'::bytea IN sealed_body) > 0 AS open FROM payment_event
    WHERE community_id = ${community.id}`;
    expect(row.open).is(false);
    const [setting] = await sql`
    SELECT position(convert_to(${SECRET}, 'UTF8') IN sealed) > 0 AS open, shown
    FROM gateway_setting WHERE community_id = ${community.id} AND provider = 'test'`;
    expect(setting).is({ open: false, shown: {} });
  },
);

/** The same events, each sent several times, all shuffled, eight at once. */
async function pour(tell, community, events, copies) {
  const all = events.flatMap((event) => Array.from({ length: copies }, () => event));
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  const times = [];
  await race(8, async () => {
    for (let event = all.pop(); event; event = all.pop()) {
      const began = Date.now();
      expect(await insist(tell, community, event)).status(204);
      times.push(Date.now() - began);
    }
  });
  return Math.max(...times);
}

story(
  '100 shuffled, repeated notifications of pay, refund and dispute: one effect',
  async (stage) => {
    const world = await open(stage);
    const { api, owner, ann, community, attempt, tell } = world;
    const events = [
      eventOf('paid', attempt),
      eventOf('refunded', attempt, { refund: 're_1', amount_minor: 6500 }),
      eventOf('disputed', attempt, { dispute: 'd_1', amount_minor: 30000 }),
      eventOf('won', attempt, { dispute: 'd_1', amount_minor: 30000 }),
      eventOf('news', attempt),
    ];
    const slowest = await pour(tell, community, events, 20);
    console.log(`      100 notifications, the slowest heard after ${slowest} ms`);
    const [row] = await booksAddUp(stage);
    expect(row).matches({ status: 'partly_refunded', paid: 36500, refunded: 6500 });
    expect(await api.as(ann).get(`/v1/orders/${row.id}/disputes`)).body({
      data: [{ reference: 'd_1', state: 'won' }],
    });
    expect(await allowed(api, owner, ann)).is(true);
    const waiting = await stage.sql`SELECT outcome FROM payment_event WHERE handled_at IS NULL`;
    expect(waiting).is([]);
    expect(await effects(world)).matches({ payments: 1, events: 5 });
  },
);

story('Ten orders at once, their events in any order, also lost disputes', async (stage) => {
  const world = await open(stage);
  const { api, owner, plan, community, tell } = world;
  const people = await stage.people.members(10);
  const all = [];
  for (const [i, one] of people.entries()) {
    const attempt = await tryToPay(api, one, await openOrder(stage, one, plan));
    const dispute = { dispute: `d-${i}` };
    all.push(eventOf('paid', attempt));
    if (i % 2) all.push(eventOf('disputed', attempt, dispute), eventOf('lost', attempt, dispute));
    else if (i % 4) all.push(eventOf('refunded', attempt, { refund: `r-${i}` }));
  }
  await pour(tell, community, all, 5);
  await booksAddUp(stage);
  for (const [i, one] of people.entries()) {
    expect(await allowed(api, owner, one)).is(i % 4 === 0, `of ${i}`);
  }
});

story('Out of order: what comes before its payment waits for it', async (stage) => {
  const world = await open(stage);
  const { api, owner, ann, community, attempt, tell } = world;
  const dispute = { dispute: 'd_9' };
  expect(await tell(community, eventOf('disputed', attempt, dispute))).status(204);
  expect(
    await tell(community, eventOf('refunded', attempt, { refund: 're_9', amount_minor: 1 })),
  ).status(204);
  expect(await effects(world)).matches({ payments: 0, events: 2 });
  expect(await tell(community, eventOf('failed', attempt))).status(204);
  expect(await tell(community, eventOf('paid', attempt))).status(204);
  expect(await allowed(api, owner, ann)).is(false); // in dispute
  expect(await tell(community, eventOf('won', attempt, dispute))).status(204);
  expect(await tell(community, eventOf('lost', attempt, dispute))).status(204); // too late
  expect(await allowed(api, owner, ann)).is(true);
  expect(
    await tell(community, eventOf('refunded', attempt, { refund: 're_8', amount_minor: 99999 })),
  ).status(204);
  const [row] = await booksAddUp(stage);
  expect(row).matches({ paid: 36500, refunded: 1 });
});

story(
  'The built-in provider tells late, twice, and in the wrong order when asked to',
  async (stage) => {
    const world = await open(stage);
    const { api, owner, ann, attempt, sql, order } = world;
    const press = (act, how) =>
      api.post(attempt.page, raw(new URLSearchParams({ act, ...how }).toString(), 'text/plain'));
    const outcomes = () => sql`
    SELECT kind, outcome FROM payment_event WHERE community_id = ${stage.community.id}
    ORDER BY received_at`;
    const heard = async (count) => {
      for (let i = 0; i < 500 && (await outcomes()).length < count; i++) {
        await new Promise((again) => setTimeout(again, 20));
      }
    };
    await press('pay', { hold: 1, twice: 1 });
    await new Promise((done) => setTimeout(done, 2500));
    expect(await outcomes()).is([]); // held until the next, which is told of first
    await press('dispute', { twice: 1 });
    await heard(2);
    expect((await outcomes()).map(({ kind }) => kind).sort()).is(['disputed', 'paid']);
    expect(await allowed(api, owner, ann)).is(false);
    expect(await api.as(ann).get(`/v1/orders/${order.id}/disputes`)).body({
      data: [{ state: 'open', ended_at: null }],
    });
    await press('win', { late: 1 });
    const [{ due }] = await sql`
    SELECT extract(epoch FROM due_at - now())::float8 AS due FROM test_event
    ORDER BY id DESC LIMIT 1`;
    expect(due).atLeast(1);
    await sql`UPDATE test_event SET due_at = now() WHERE copies > 0`;
    await heard(3);
    expect(await allowed(api, owner, ann)).is(true);
    await booksAddUp(stage);
  },
);

story('Calls to the built-in provider itself must be signed, too', async (stage) => {
  const { api, community, attempt } = await open(stage);
  const call = (body, signature = sign(body)) =>
    api.post(`/pay/test/${community.slug}/api`, raw(body), {
      headers: { 'Test-Signature': signature },
    });
  const query = JSON.stringify({ do: 'query', charge_key: attempt.id });
  expect(await call(query))
    .status(200)
    .body({ state: 'open', amount_minor: 36500 });
  expect(await call(query, 't=1,v1=00')).problem('notification_refused', 400);
  const later = Math.floor(Date.now() / 1000) - 400;
  const mac = createHmac('sha256', Buffer.from(SECRET, 'hex')).update(`${later}.${query}`);
  expect(await call(query, `t=${later},v1=${mac.digest('hex')}`)).problem('notification_refused');
  expect(await call('no json')).problem('notification_refused', 400);
});
