// Upgrades: what is left of the old plan is worth what was paid for it, to the cent.
import { expect, story } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { Till, receive } from './lib/till.mjs';

const DAY = 86_400_000;

async function open(stage, more) {
  const { people, api } = stage;
  const operator = await people.operator();
  const shop = new Shop(api, operator);
  const product = await shop.product();
  const month = { product, period_unit: 'day', period_count: 30, ...more };
  const silver = await shop.plan({ ...month, tier: 1, price_minor: 10001 });
  const gold = await shop.plan({ ...month, tier: 2, price_minor: 30000 });
  const till = new Till(stage, await people.member());
  const upgrade = (plan = gold, who = till) => who.quote({ kind: 'upgrade', plan_id: plan.id });
  return { shop, product, silver, gold, till, upgrade };
}

/** As if all that a member has had begun so many days ago. */
async function age(sql, { person }, days) {
  await sql`
    UPDATE entitlement SET span = tstzrange(lower(span) - make_interval(days => ${days}),
                                            upper(span) - make_interval(days => ${days}))
    WHERE member_id = ${person.id}`;
}
const spans = (sql, { person }) => sql`
  SELECT plan_id, iso(lower(span)) AS starts_at, iso(upper(span)) AS ends_at FROM entitlement
  WHERE member_id = ${person.id} AND voided_at IS NULL ORDER BY lower(span)`;

story('An upgrade costs the new price less what is left of the old, from now on', async (stage) => {
  const { sql } = stage;
  const { till, silver, gold, upgrade } = await open(stage, { renews: true });
  expect(await upgrade()).problem('nothing_to_upgrade', 409);
  await till.buy({ plan_id: silver.id });
  await age(sql, till, 11);
  expect(await upgrade(silver)).problem('not_an_upgrade', 409);
  const quote = await upgrade();
  const [had] = await spans(sql, till);
  const now = Date.parse(quote.body.made_at);
  const left = Date.parse(had.ends_at) - now;
  const credit = Math.floor((10001 * left) / (30 * DAY));
  expect(quote)
    .status(201)
    .body({
      kind: 'upgrade',
      credit_minor: (c) => Math.abs(c - credit) <= 0,
      total_minor: 30000 - credit,
      starts_at: quote.body.made_at,
      ends_at: new Date(now + 30 * DAY).toISOString(),
    });
  const made = await till.api.post('/v1/orders', { quote_id: quote.id });
  expect(made).status(201);
  expect(made.body.lines[0]).matches({ credit_minor: credit, amount_minor: 30000 - credit });
  const second = await upgrade();
  expect(await till.api.post('/v1/orders', { quote_id: second.id })).problem('order_waits', 409);
  await till.pay(made.body);
  expect(await spans(sql, till)).is([
    { plan_id: silver.id, starts_at: had.starts_at, ends_at: quote.body.starts_at },
    { plan_id: gold.id, starts_at: quote.body.starts_at, ends_at: quote.body.ends_at },
  ]);
  expect(await till.api.get('/v1/me/membership')).body({ until: quote.body.ends_at });
  const [standing] =
    await sql`SELECT plan_id, auto_renew FROM membership WHERE member_id = ${till.person.id}`;
  expect(standing).is({ plan_id: gold.id, auto_renew: true });
  expect(await upgrade(silver)).problem('not_an_upgrade', 409);
});

story('What is left over of a dear plan becomes time on the new one', async (stage) => {
  const { sql } = stage;
  const { shop, product, till, upgrade } = await open(stage);
  const year = await shop.plan({
    product,
    tier: 1,
    price_minor: 36500,
    period_unit: 'day',
    period_count: 365,
  });
  const month = await shop.plan({
    product,
    tier: 2,
    price_minor: 5000,
    period_unit: 'day',
    period_count: 30,
  });
  await till.buy({ plan_id: year.id });
  await age(sql, till, 65);
  const quote = await upgrade(month);
  const [had] = await spans(sql, till);
  const now = Date.parse(quote.body.made_at);
  const worth = Math.floor((36500 * (Date.parse(had.ends_at) - now)) / (365 * DAY));
  const seconds = 30 * 86400 + Math.round((30 * 86400 * (worth - 5000)) / 5000);
  expect(quote).body({
    credit_minor: 5000,
    total_minor: 0,
    ends_at: new Date(now + seconds * 1000).toISOString(),
  });
  // Nothing to pay: it is theirs at once.
  expect(await till.api.post('/v1/orders', { quote_id: quote.id }))
    .status(201)
    .body({ status: 'paid' });
  expect(await till.api.get('/v1/me/membership')).body({ until: quote.body.ends_at });
});

story('What was given or redeemed keeps its days behind the upgrade', async (stage) => {
  const { sql } = stage;
  const { shop, till, silver, gold, upgrade } = await open(stage);
  await till.buy({ plan_id: silver.id });
  const { code } = await shop.code({ plan: silver, days: 10 });
  expect(await till.api.post('/v1/redemptions', { code })).status(201);
  await age(sql, till, 15);
  const quote = await upgrade();
  await till.pay((await till.api.post('/v1/orders', { quote_id: quote.id })).body);
  const all = await spans(sql, till);
  expect(all.map((s) => s.plan_id)).is([silver.id, gold.id, silver.id]);
  expect(all[2].starts_at).is(quote.body.ends_at);
  expect(Date.parse(all[2].ends_at) - Date.parse(all[2].starts_at)).is(10 * DAY);
});

story(
  'What was bought after the quote keeps its days; what went back is not credited',
  async (stage) => {
    const { sql, community, people } = stage;
    const { till, silver, gold, upgrade } = await open(stage);
    const order = (who, quote) => who.api.post('/v1/orders', { quote_id: quote.id });
    await till.buy({ plan_id: silver.id });
    const waiting = await order(till, await upgrade());
    await till.buy({ plan_id: silver.id });
    await till.pay(waiting.body);
    const all = await spans(sql, till);
    expect(all.map((s) => s.plan_id).slice(-2)).is([gold.id, silver.id]);
    const [{ starts_at, ends_at }] = all.slice(-1);
    expect(Date.parse(ends_at) - Date.parse(starts_at)).is(30 * DAY);

    const bob = till.for(await people.member());
    const bought = await bob.buy({ plan_id: silver.id });
    const quote = await upgrade(gold, bob);
    const other = await upgrade(gold, bob);
    const open_ = await order(bob, quote);
    const [{ id }] = await sql`SELECT id FROM payment WHERE order_id = ${bought.id}`;
    await sql`
    SELECT refund_record(${community.id}, uuid7(), ${id}, 'back', 10001, 'x', NULL, now(), false,
                         NULL)`;
    expect(await receive(sql, community, open_.body)).matches({
      outcome: 'counted',
      settled: true,
    });
    const [got] = (await spans(sql, bob)).slice(-1);
    const days = (Date.parse(got.ends_at) - Date.parse(got.starts_at)) / DAY;
    const share = quote.body.total_minor / 30000;
    expect(Math.abs(days - 30 * share) < 0.001).isTrue(`${days} days for ${share} of the price`);
    expect(await order(bob, other)).problem('quote_changed', 409);
  },
);

story('What was credited once is still worth its share at the next upgrade', async (stage) => {
  const { sql } = stage;
  const { shop, product, till, silver, gold, upgrade } = await open(stage);
  const terms = { product, period_unit: 'day', period_count: 30 };
  const platinum = await shop.plan({ ...terms, tier: 3, price_minor: 60000 });
  await till.buy({ plan_id: silver.id });
  const first = await upgrade(gold);
  expect(first.body.credit_minor).atLeast(9990);
  await till.pay((await till.api.post('/v1/orders', { quote_id: first.id })).body);
  await age(sql, till, 15);
  const second = await upgrade(platinum);
  const half = 15000; // of gold's price, though less was paid for it
  expect(second.body.credit_minor)
    .atLeast(half - 10)
    .atMost(half + 10);
  await till.pay((await till.api.post('/v1/orders', { quote_id: second.id })).body);
  const all = await spans(sql, till);
  expect(all.at(-1)).is({
    plan_id: platinum.id,
    starts_at: second.body.starts_at,
    ends_at: second.body.ends_at,
  });
});

story('What is left over counts at the plan’s own price, and is never lost', async (stage) => {
  const { sql } = stage;
  const { shop, product, till, upgrade } = await open(stage);
  const days = (count) => ({ product, period_unit: 'day', period_count: count });
  const year = await shop.plan({ ...days(365), tier: 1, price_minor: 36500 });
  const month = await shop.plan({ ...days(30), tier: 2, price_minor: 5000 });
  const higher = await shop.plan({ ...days(30), tier: 3, price_minor: 10000 });
  await till.buy({ plan_id: year.id });
  const length = ({ body }) => (Date.parse(body.ends_at) - Date.parse(body.starts_at)) / DAY;
  const plain = await upgrade(month);
  for (const percent of [90, 100]) {
    const { code } = await shop.code({ plan: month, effect: 'discount', percent });
    const asked = { kind: 'upgrade', plan_id: month.id, code };
    const cheaper = await till.quote(asked);
    expect(cheaper).status(201).body({ total_minor: 0 });
    // What the code took off is so much more time, at the plan's own price.
    const more = (30 * percent) / 100;
    expect(length(cheaper) - length(plain))
      .atLeast(more - 0.01)
      .atMost(more + 0.01);
  }
  expect((await till.api.post('/v1/orders', { quote_id: plain.id })).status).is(201);
  await age(sql, till, 10);
  // Nothing was paid for the month: what it stands for is what is left of the year.
  const again = await upgrade(higher);
  const left = 36500 * ((length(plain) - 10) / length(plain));
  const worth = again.body.credit_minor + (10000 * (length(again) - 30)) / 30;
  expect(worth)
    .atLeast(left - 20)
    .atMost(left + 20);
});

story('Money that is on its way back, or went back in part, is not credited', async (stage) => {
  const { sql, community, people } = stage;
  const { till, silver, gold, upgrade } = await open(stage);
  const asked = async (who, amount, state) => {
    const order = await who.buy({ plan_id: silver.id });
    const [{ id }] = await sql`SELECT id FROM payment WHERE order_id = ${order.id}`;
    await sql`
      INSERT INTO refund_request (community_id, id, payment_id, amount_minor, reason, state)
      VALUES (${community.id}, uuid7(), ${id}, ${amount}, 'As agreed', ${state})`;
    return id;
  };
  await asked(till, 6001, 'processing');
  expect((await upgrade()).body.credit_minor)
    .atLeast(3990)
    .atMost(4000);
  const bob = till.for(await people.member());
  await asked(bob, 10001, 'asked');
  expect(await upgrade(gold, bob)).body({ credit_minor: 0, total_minor: 30000 });

  // Two thirds of the time are over; half of the money goes back: a third of the rest is left.
  const cat = till.for(await people.member());
  const payment = await asked(cat, 1, 'failed');
  await age(sql, cat, 20);
  await sql`
    SELECT refund_record(${community.id}, uuid7(), ${payment}, 'half', 5000, 'x', NULL, now(), true,
                         NULL)`;
  expect((await upgrade(gold, cat)).body.credit_minor)
    .atLeast(1660)
    .atMost(1667);
});
