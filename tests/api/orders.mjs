// From a quote to a paid order: the same to the cent and the second, once, and for nobody else.
import { eventually, expect, patiently, race, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { Till, notAtMonthsEnd, receive } from './lib/till.mjs';

const DAY = 86_400_000;
const soon = (days) => new Date(Date.now() + days * DAY).toISOString();

async function open(stage) {
  const { api, people } = stage;
  const operator = await people.operator();
  const ann = await people.member({ name: 'Ann' });
  const shop = new Shop(api, operator);
  return { operator, console: api.as(operator), shop, ann, till: new Till(stage, ann) };
}

const later = (time, change) => {
  const at = new Date(time);
  change(at);
  return at.toISOString();
};
/** The same day of the next year: of 29 February the 28th. */
const yearAfter = (time) =>
  later(time, (at) => {
    const day = at.getUTCDate();
    at.setUTCFullYear(at.getUTCFullYear() + 1);
    if (at.getUTCDate() !== day) at.setUTCDate(0);
  });

story('The order is what was quoted, to the cent and the second', async (stage) => {
  const { api, ann, shop, till } = { ...stage, ...(await open(stage)) };
  const plan = await shop.plan({ grace_days: 3 });
  const quoted = await till.quote({ plan_id: plan.id });
  expect(quoted)
    .status(201)
    .header('Location', `/v1/quotes/${quoted.id}`)
    .body({
      kind: 'purchase',
      currency: 'CNY',
      subtotal_minor: 36500,
      discount_minor: 0,
      credit_minor: 0,
      total_minor: 36500,
      trial: false,
      code_hint: null,
      lines: [{ plan_id: plan.id, quantity: 1, unit_minor: 36500, amount_minor: 36500 }],
    });
  const quote = quoted.body;
  expect(quote.ends_at).is(yearAfter(quote.starts_at));
  expect(Date.parse(quote.expires_at) - Date.parse(quote.made_at)).is(15 * 60_000);
  expect(await api.as(ann).get(`/v1/quotes/${quote.id}`))
    .status(200)
    .header('ETag')
    .body(quote);

  const ordered = await api.as(ann).post('/v1/orders', { quote_id: quote.id });
  expect(ordered).status(201).header('Location', `/v1/orders/${ordered.id}`).body({
    status: 'pending',
    quote_id: quote.id,
    member_id: ann.id,
    total_minor: quote.total_minor,
    paid_minor: 0,
  });
  const [{ id, ...line }] = ordered.body.lines;
  expect(typeof id).is('string');
  expect(line).is(quote.lines[0]);
  expect(await api.as(ann).get('/v1/me/membership')).body({ active: false });

  const paid = await till.pay(ordered.body);
  expect(paid).matches({ status: 'paid', paid_minor: 36500, settled_at: /Z$/, expires_at: null });
  const mine = await api.as(ann).get('/v1/me/membership');
  expect(mine).body({ active: true, until: quote.ends_at });
  const [{ starts_at }] = await stage.sql`
    SELECT iso(lower(span)) AS starts_at FROM entitlement WHERE member_id = ${ann.id}`;
  expect(starts_at).is(quote.starts_at);
  // Renewing early loses no day.
  const next = await till.quote({ plan_id: plan.id });
  expect(next).body({ starts_at: quote.ends_at, ends_at: yearAfter(quote.ends_at) });
});

story('One quote is one order, however often and from wherever it is asked', async (stage) => {
  const { api, sql } = stage;
  const { ann, shop, till } = await open(stage);
  const plan = await shop.plan();
  const { id } = (await till.quote({ plan_id: plan.id })).body;
  const order = () => api.as(ann).post('/v1/orders', { quote_id: id });
  const replies = await race(64, () => patiently(order));
  const good = replies.filter((r) => r.status < 300);
  for (const reply of replies) if (reply.status >= 300) expect(reply).problem('busy', 503);
  expect(new Set(good.map((r) => r.id)).size).is(1);
  expect(good.filter((r) => r.status === 201).length).is(1);
  const [{ count }] = await sql`SELECT count(*) FROM orders WHERE member_id = ${ann.id}`;
  expect(count).is(1);
  await sql`
    UPDATE quote SET made_at = now() - interval '1 hour', expires_at = now() - interval '1 s'
    WHERE id = ${id}`;
  expect(await api.as(ann).post('/v1/orders', { quote_id: id }))
    .status(200)
    .body({ id: good[0].id });
  const keyed = api.as(ann).with({ 'Idempotency-Key': 'order-1' });
  const other = await till.quote({ plan_id: plan.id });
  const first = await keyed.post('/v1/orders', { quote_id: other.id });
  expect(await keyed.post('/v1/orders', { quote_id: other.id }))
    .status(201)
    .header('Idempotent-Replayed', 'true')
    .text(first.text);
});

story('The price is the plan’s; what a client says of money is refused', async (stage) => {
  const { till, shop } = await open(stage);
  const plan = await shop.plan({ prices: [{ currency: 'USD', price_minor: 4900 }] });
  const ask = (more) => till.quote({ plan_id: plan.id, ...more });
  expect(await ask({ currency: 'USD' }))
    .status(201)
    .body({ currency: 'USD', total_minor: 4900 });
  expect(await ask({ currency: 'EUR' }))
    .problem('body_invalid', 422)
    .fault('/currency', 'differs');
  expect(await ask({ amount_minor: 1 })).fault('/amount_minor', 'superfluous');
  expect(await ask({ total_minor: 1 })).fault('/total_minor', 'unknown');
  expect(await ask({ quantity: 2 })).fault('/quantity', 'superfluous');
  expect(await ask({ quantity: 0 })).fault('/quantity', 'out_of_range');
  expect(await ask({ kind: 'seats' })).fault('/kind', 'differs');
  expect(await ask({ plan_id: undefined })).fault('/plan_id', 'required');
  expect(await ask({ plan_id: uuid7() })).fault('/plan_id', 'unknown');
  expect(await ask({ kind: 'renewal' }))
    .fault('/plan_id', 'superfluous')
    .fault('/membership_id', 'required');
  const renewal = { plan_id: undefined, kind: 'renewal', membership_id: uuid7() };
  expect(await ask(renewal)).fault('/membership_id', 'unknown');
  expect(await ask({ lecture_id: uuid7() })).fault('/lecture_id', 'superfluous');
  expect(await ask({ kind: 'tip' })).fault('/lecturer_id', 'required');
  // Dearer from tomorrow: what was quoted holds, also once its version is out of sale.
  const quote = await ask({});
  const dearer = { ...shop.terms(), slug: plan.slug, price_minor: 99900 };
  const next = await shop.plan({ product: { id: plan.product_id }, ...dearer });
  expect(next.version).is(2);
  expect(await ask({})).problem('plan_retired', 409);
  expect(await till.api.post('/v1/orders', { quote_id: quote.id }))
    .status(201)
    .body({ total_minor: 36500 });
});

story('Orders are listed and found by whose they are and how they stand', async (stage) => {
  const { api, people } = stage;
  const { ann, console, shop, till } = await open(stage);
  const plan = await shop.plan();
  const bob = await people.member({ name: 'Bob' });
  const paid = await till.buy({ plan_id: plan.id });
  const open_ = await till.order({ plan_id: plan.id });
  const his = await till.for(bob).buy({ plan_id: plan.id });
  const ids = (reply) => reply.body.data.map((o) => o.id);
  const mine = (query) => api.as(ann).get('/v1/me/orders', { query });
  expect(ids(await mine({}))).is([open_.id, paid.id]);
  expect(ids(await mine({ status: 'paid' }))).is([paid.id]);
  expect(ids(await mine({ kind: 'gift' }))).is([]);
  const page = await mine({ limit: 1 });
  expect(page).status(200).body({ has_more: true });
  expect(ids(await mine({ limit: 1, cursor: page.body.next_cursor }))).is([paid.id]);
  const all = (query) => console.get('/v1/orders', { query });
  expect(ids(await all({}))).is([his.id, open_.id, paid.id]);
  expect(ids(await all({ member_id: bob.id }))).is([his.id]);
  expect(ids(await all({ status: 'pending', kind: 'purchase' }))).is([open_.id]);
  expect(ids(await all({ 'created_at[gte]': his.created_at }))).is([his.id]);
  expect(ids(await all({ 'created_at[lt]': open_.created_at }))).is([paid.id]);
  expect(await console.get(`/v1/orders/${paid.id}`))
    .status(200)
    .header('ETag')
    .body(paid);
  expect(await api.as(bob).get(`/v1/orders/${paid.id}`)).problem('not_found', 404);
  expect(await api.as(bob).get(`/v1/quotes/${paid.quote_id}`)).problem('not_found', 404);
  expect(await api.as(bob).post('/v1/orders', { quote_id: paid.quote_id })).fault(
    '/quote_id',
    'unknown',
  );
  expect(await api.as(bob).post(`/v1/orders/${open_.id}/cancel`)).problem('not_found', 404);
  const eve = await people.in(await stage.another()).operator();
  expect(await api.as(eve).get(`/v1/orders/${paid.id}`)).problem('not_found', 404);
  expect((await api.as(eve).get('/v1/orders')).body.data).is([]);
});

story(
  'Who does not pay: cancelled or expired, and money that comes later goes back',
  async (stage) => {
    const { api, sql, community } = stage;
    const { ann, shop, till } = await open(stage);
    const plan = await shop.plan();
    const order = await till.order({ plan_id: plan.id });
    const cancel = ({ id }) => api.as(ann).post(`/v1/orders/${id}/cancel`);
    expect(await cancel(order))
      .status(200)
      .body({ status: 'cancelled', closed_at: /Z$/ });
    expect(await cancel(order))
      .status(200)
      .body({ status: 'cancelled' });
    expect(await receive(sql, community, order)).matches({ outcome: 'surplus', settled: false });
    expect(await api.as(ann).get('/v1/me/membership')).body({ active: false });
    const [back] = await sql`
    SELECT q.amount_minor, q.surplus FROM refund_request q
    JOIN payment p ON p.id = q.payment_id WHERE p.order_id = ${order.id}`;
    expect(back).is({ amount_minor: 36500, surplus: true });

    const late = await till.order({ plan_id: plan.id });
    await sql`UPDATE orders SET expires_at = now() - interval '1 s' WHERE id = ${late.id}`;
    const gone = await eventually(async () => {
      const now = await till.read(late);
      return now.status === 'expired' && now;
    });
    expect(gone).matches({ closed_at: /Z$/, settled_at: null });
    expect(await cancel(late)).problem('state_forbids', 409);
    const paid = await till.buy({ plan_id: plan.id });
    expect(await cancel(paid)).problem('state_forbids', 409);
  },
);

story('A quote holds for a quarter of an hour, and only while nothing changes', async (stage) => {
  const { sql } = stage;
  const { shop, till } = await open(stage);
  const plan = await shop.plan();
  const quote = async (more) => (await till.quote({ plan_id: plan.id, ...more })).id;
  const order = (id) => till.api.post('/v1/orders', { quote_id: id });
  const old = await quote();
  await sql`
    UPDATE quote SET made_at = now() - interval '1 hour', expires_at = now() - interval '1 s'
    WHERE id = ${old}`;
  expect(await order(old)).problem('quote_expired', 409);
  expect(await order(uuid7()))
    .problem('body_invalid', 422)
    .fault('/quote_id', 'unknown');
  const [one, two] = [await quote(), await quote()];
  const { body } = await order(one);
  expect(body.status).is('pending');
  await till.pay(body);
  // The second would begin where the first does now.
  expect(await order(two)).problem('quote_changed', 409);
  expect(await order(await quote())).status(201);
});

story('Paid within half an hour it begins when quoted, later when it was paid', async (stage) => {
  const { sql, people } = stage;
  const { shop, till } = await open(stage);
  const plan = await shop.plan({ period_unit: 'month' });
  const span = async ({ id }) =>
    (
      await sql`
      SELECT iso(lower(e.span)) AS starts_at, iso(upper(e.span)) AS ends_at FROM entitlement e
      JOIN order_line l ON l.id = e.order_line_id WHERE l.order_id = ${id}`
    )[0];
  const quick = await till.order({ plan_id: plan.id });
  await till.pay(quick, { at: new Date(Date.parse(quick.created_at) + 25 * 60_000) });
  expect(await span(quick)).is({
    starts_at: quick.lines[0].starts_at,
    ends_at: quick.lines[0].ends_at,
  });
  const other = till.for(await people.member());
  const slow = await other.order({ plan_id: plan.id });
  const at = new Date(Date.parse(slow.created_at) + 6 * DAY);
  await other.pay(slow, { at });
  const ends_at = later(at, (t) => {
    const day = t.getUTCDate();
    t.setUTCMonth(t.getUTCMonth() + 1);
    if (t.getUTCDate() !== day) t.setUTCDate(0);
  });
  expect(await span(slow)).is({ starts_at: at.toISOString(), ends_at });
});

story(
  'What costs nothing is settled at once: a trial, once, and a plan for nothing',
  async (stage) => {
    const { api } = stage;
    const { ann, shop, till } = await open(stage);
    const plan = await shop.plan({ trial_days: 14, renews: true });
    const [one, two] = [
      await till.quote({ plan_id: plan.id }),
      await till.quote({ plan_id: plan.id }),
    ];
    expect(one).status(201).body({ trial: true, total_minor: 0 });
    expect(Date.parse(one.body.ends_at) - Date.parse(one.body.starts_at)).is(14 * DAY);
    const order = (quote) => api.as(ann).post('/v1/orders', { quote_id: quote.id });
    expect(await order(one))
      .status(201)
      .body({ status: 'paid', settled_at: /Z$/ });
    expect(await api.as(ann).get('/v1/me/membership')).body({
      status: 'trialing',
      until: one.body.ends_at,
    });
    expect(await order(two)).problem('quote_changed', 409);
    const next = await till.quote({ plan_id: plan.id });
    expect(next).body({ trial: false, total_minor: 36500, starts_at: one.body.ends_at });
    const free = await shop.plan({ price_minor: 0, period_unit: 'day' });
    expect(await order(await till.quote({ plan_id: free.id }))).body({ status: 'paid' });
    const forever = await shop.plan({ period_unit: 'lifetime', period_count: 1 });
    await till.buy({ plan_id: forever.id });
    expect(await till.quote({ plan_id: forever.id })).problem('nothing_to_add', 409);
  },
);

story('A plan says who may buy it, and when', async (stage) => {
  const { sql, people } = stage;
  const { shop, till, console } = await open(stage);
  const product = await shop.product();
  const make = (more) => shop.plan({ product, ...more });
  const welcome = await make({ buyers: 'new', price_minor: 100 });
  const back = await make({ buyers: 'returning' });
  const loyal = await make({ buyers: 'active' });
  const ask = (plan, who = till) => who.quote({ plan_id: plan.id });
  expect(await ask(back)).problem('not_for_you', 409);
  expect(await ask(loyal)).problem('not_for_you', 409);
  const [one, two] = [await ask(welcome), await ask(welcome)];
  const order = (quote) => till.api.post('/v1/orders', { quote_id: quote.id });
  const first = await order(one);
  expect(first).status(201);
  expect(await order(two)).problem('order_waits', 409);
  await till.pay(first.body);
  expect(await order(two)).problem('quote_changed', 409);
  expect(await ask(welcome)).problem('not_for_you', 409);
  expect(await ask(loyal)).status(201);
  await sql`
    UPDATE entitlement SET span = tstzrange(now() - interval '60 days', now() - interval '30 days')
    WHERE member_id = ${till.person.id}`;
  expect(await ask(back)).status(201);
  expect(await ask(loyal)).problem('not_for_you', 409);
  const bob = till.for(await people.member());
  const soonOn = await make({ sale_from: soon(1) });
  expect(await ask(soonOn, bob)).problem('not_on_sale', 409);
  await console.patch(`/v1/plans/${soonOn.id}`, { sale_from: null, sale_until: soon(3) });
  expect(await ask(soonOn, bob)).status(201);
  await console.post(`/v1/plans/${soonOn.id}/retire`);
  expect(await ask(soonOn, bob)).problem('plan_retired', 409);
});

story('Who comes back pays less, if the house says so', async (stage) => {
  const { sql, community } = stage;
  const { shop, till } = await open(stage);
  const plan = await shop.plan({ price_minor: 36599 });
  await till.buy({ plan_id: plan.id });
  await sql`
    INSERT INTO selling_policy (community_id, winback_percent, winback_days)
    VALUES (${community.id}, 30, 30)`;
  const ended = (days) => sql`
    UPDATE entitlement SET span = tstzrange(now() - interval '400 days',
      now() - make_interval(days => ${days})) WHERE member_id = ${till.person.id}`;
  await ended(29);
  expect(await till.quote({ plan_id: plan.id })).body({ discount_minor: 0 });
  await ended(31);
  const off = Math.floor((36599 * 30) / 100);
  expect(await till.quote({ plan_id: plan.id })).body({
    discount_minor: off,
    total_minor: 36599 - off,
  });
  await till.order({ plan_id: plan.id });
  const second = await till.quote({ plan_id: plan.id });
  expect(await till.api.post('/v1/orders', { quote_id: second.id })).problem('order_waits', 409);
});

story('A spending limit counts what was paid this month and what waits', async (stage) => {
  await notAtMonthsEnd();
  const { sql } = stage;
  const { shop, till } = await open(stage);
  const plan = await shop.plan({ price_minor: 4000 });
  const limit = (minor) =>
    sql`UPDATE member SET spend_limit_minor = ${minor} WHERE id = ${till.person.id}`;
  const order = async () => {
    const { id } = (await till.quote({ plan_id: plan.id })).body;
    return till.api.post('/v1/orders', { quote_id: id });
  };
  await limit(9999);
  await till.pay((await order()).body);
  const second = await order();
  expect(second).status(201);
  expect(await order()).problem('spend_limit', 409);
  await till.api.post(`/v1/orders/${second.id}/cancel`);
  const third = await till.pay((await order()).body);
  expect(third.status).is('paid');
  expect(await order()).problem('spend_limit', 409);
  await limit(12000);
  expect(await order()).status(201);
});

story('Who is suspended or banned orders nothing', async (stage) => {
  const { sql } = stage;
  const { shop, till } = await open(stage);
  const plan = await shop.plan();
  const { id } = (await till.quote({ plan_id: plan.id })).body;
  for (const state of ['suspended', 'banned']) {
    await sql`
      UPDATE member SET state = ${state}, state_reason = 'As the story asks', state_by = id
      WHERE id = ${till.person.id}`;
    expect(await till.quote({ plan_id: plan.id })).problem(`member_${state}`, 403);
    expect(await till.api.post('/v1/orders', { quote_id: id })).problem(`member_${state}`, 403);
  }
});

story('Quotes are not for filling the house with', async (stage) => {
  const { shop, till } = await open(stage);
  const plan = await shop.plan();
  let refused;
  for (let i = 0; i < 100 && !refused; i++) {
    const replies = await race(64, () => till.quote({ plan_id: plan.id }));
    refused = replies.find((r) => r.status === 429);
  }
  expect(refused).problem('rate_limited', 429).header('Retry-After');
});
