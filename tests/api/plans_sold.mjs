// How plans are sold: prices in several currencies, to whom and when they show.
import { eventually, expect, race, story } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { Till } from './lib/till.mjs';

const soon = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();

async function open(stage) {
  const operator = await stage.people.operator();
  const { api, community } = stage;
  const shown = async () => (await api.get(`${community.path}/plans`)).body.data.map((p) => p.id);
  return { operator, console: api.as(operator), shop: new Shop(api, operator), shown };
}

story('A plan tells its tier, its buyers and its price in each currency', async (stage) => {
  const { shop, console } = await open(stage);
  const path = `/v1/products/${(await shop.product()).id}/plans`;
  const prices = [
    { currency: 'EUR', price_minor: 4500 },
    { currency: 'USD', price_minor: 4900 },
  ];
  const terms = { ...shop.terms(), tier: 2, buyers: 'active', open_amount: true, prices };
  expect(await console.post(path, terms))
    .status(201)
    .body({ tier: 2, buyers: 'active', open_amount: true, visibility: 'public', prices });
  const bad = (more) => console.post(path, { ...shop.terms(), ...more });
  expect(await bad({ prices: [{ currency: 'CNY', price_minor: 1 }] })).fault(
    '/prices/0/currency',
    'superfluous',
  );
  expect(await bad({ prices: [prices[0], prices[0]] })).fault('/prices/1/currency', 'superfluous');
  expect(await bad({ prices: [{ currency: 'eur', price_minor: 1.5 }] }))
    .problem('body_invalid', 422)
    .fault('/prices/0/price_minor', 'type');
  expect(await bad({ prices: [{ currency: 'eur', price_minor: 1 }] })).fault(
    '/prices/0/currency',
    'format',
  );
  const many = Array.from({ length: 21 }, (_, i) => ({
    currency: `AA${String.fromCharCode(65 + i)}`,
    price_minor: 1,
  }));
  expect(await bad({ prices: many })).fault('/prices', 'too_many');
  expect(await bad({ sale_from: soon(60), sale_until: soon(30) })).fault(
    '/sale_until',
    'too_early',
  );
  expect(await bad({ sale_until: soon(-1) })).fault('/sale_until', 'too_early');
});

story(
  'The public list opens and closes with the sale, though it is kept in memory',
  async (stage) => {
    const { shop, console, shown } = await open(stage);
    expect(await shown()).is([]);
    const plan = await shop.plan({ product: await shop.product(), sale_from: soon(5) });
    expect(plan.on_sale).is(false);
    expect(await shown()).is([]);
    await eventually(async () => (await shown()).length === 1);
    expect(Date.now()).atLeast(Date.parse(plan.sale_from));
    const until = soon(2);
    expect(await console.patch(`/v1/plans/${plan.id}`, { sale_until: until })).status(200);
    await eventually(async () => (await shown()).length === 0);
    expect(Date.now()).atLeast(Date.parse(until));
    expect(await console.get(`/v1/plans/${plan.id}`)).body({ on_sale: false });
  },
);

story('Plans for members are shown to members, hidden ones to nobody', async (stage) => {
  const { api, people, sql } = stage;
  const { shop, shown } = await open(stage);
  const product = await shop.product();
  const plan = (more) => shop.plan({ product, ...more });
  const open_ = await plan({ price_minor: 1 });
  const inner = await plan({ visibility: 'members', price_minor: 2 });
  const hidden = await plan({ visibility: 'hidden', price_minor: 3 });
  const welcome = await plan({ buyers: 'new', price_minor: 4 });
  expect(await shown()).is([open_.id, welcome.id]);
  const ann = await people.member();
  const till = new Till(stage, ann);
  const mine = async () => (await api.as(ann).get('/v1/me/plans')).body.data.map((p) => p.id);
  expect(await mine()).is([open_.id, welcome.id]);
  expect(await till.quote({ plan_id: inner.id })).fault('/plan_id', 'unknown');
  await till.buy({ plan_id: open_.id });
  expect(await mine()).is([open_.id, inner.id]);
  expect(await till.quote({ plan_id: inner.id })).status(201);
  expect(await till.quote({ plan_id: hidden.id })).status(201); // who was told of it
  await sql`UPDATE entitlement SET voided_at = now(), void_reason = 'x' WHERE member_id = ${ann.id}`;
  expect(await till.quote({ plan_id: inner.id })).fault('/plan_id', 'unknown');
});

story('How a plan is sold changes by merge patch, from what was read', async (stage) => {
  const { shop, console, shown, operator } = await open(stage);
  const plan = await shop.plan();
  const path = `/v1/plans/${plan.id}`;
  expect(await shown()).is([plan.id]);
  const read = await console.get(path);
  const etag = { headers: { 'If-Match': read.header('ETag') } };
  expect(await console.patch(path, { visibility: 'hidden' }, etag))
    .status(200)
    .body({ visibility: 'hidden', price_minor: 36500, version: 1 });
  expect(await shown()).is([]);
  expect(await console.patch(path, { visibility: 'public' }, etag)).problem('version_changed', 412);
  expect(await console.patch(path, { price_minor: 1 })).fault('/price_minor', 'unknown');
  expect(await console.patch(path, { sale_from: soon(60), sale_until: soon(30) })).fault(
    '/sale_until',
    'too_early',
  );
  const end = soon(3600);
  expect(await console.patch(path, { visibility: 'public', sale_until: end }))
    .status(200)
    .body({ sale_until: end });
  expect(await console.patch(path, { sale_until: null })).body({ sale_until: null });
  expect(await shown()).is([plan.id]);
  const log = await console.get('/v1/audit-log', {
    query: { target_id: plan.id, action: 'plan.change' },
  });
  expect(log.body.data.length).is(3);
  expect(log.body.data[2]).matches({
    actor_id: operator.id,
    before: { visibility: 'public' },
    after: { visibility: 'hidden' },
  });
  const fresh = { headers: { 'If-Match': (await console.get(path)).header('ETag') } };
  const both = await race(8, (i) => console.patch(path, { sale_until: soon(99 + i) }, fresh));
  expect(both.filter((r) => r.status === 200).length).is(1);
  const eve = await stage.people.in(await stage.another()).operator();
  expect(await stage.api.as(eve).patch(path, { visibility: 'hidden' })).problem('not_found', 404);
});
