// What members are given by hand, whether it lets them in, and how it is taken back.
import { expect, patiently, race, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';

const DAY = 86_400_000;
const soon = (days) => new Date(Date.now() + days * DAY).toISOString();

async function open({ api, people }) {
  const operator = await people.operator();
  const ann = await people.member({ name: 'Ann' });
  const shop = new Shop(api, operator);
  const console = api.as(operator);
  const grant = (who, body) => console.post(`/v1/members/${who.id}/grants`, body);
  const access = (who, query) => console.get(`/v1/members/${who.id}/access`, { query });
  return { api, operator, console, shop, ann, grant, access };
}

const comp = (plan, days, more) => ({
  kind: 'comp',
  plan_id: plan.id,
  ends_at: soon(days),
  reason: 'A speaker at the spring gathering',
  ...more,
});
const payment = (plan, more) => ({
  kind: 'payment',
  plan_id: plan.id,
  amount_minor: plan.price_minor,
  currency: plan.currency,
  reference: `transfer-${uuid7()}`,
  reason: 'Bank transfer',
  ...more,
});

story('Who has nothing is told so; a comp lets them in until its end', async (stage) => {
  const { api, shop, ann, operator, grant, access } = await open(stage);
  expect(await api.as(ann).get('/v1/me/membership'))
    .status(200)
    .body({ active: false, status: 'none', until: null, memberships: [] });
  expect(await access(ann))
    .status(200)
    .body({ allowed: false, because: 'nothing' });
  const plan = await shop.plan();
  const given = await grant(ann, comp(plan, 10));
  expect(given)
    .status(201)
    .header('Location', `/v1/members/${ann.id}/entitlements/${given.id}`)
    .body({ source: 'comp', status: 'active', granted_by: operator.id, reason: /speaker/ });
  expect(await api.as(ann).get('/v1/me/membership'))
    .status(200)
    .body({ active: true, status: 'active', until: given.body.ends_at });
  expect(await access(ann)).body({
    allowed: true,
    because: 'entitled',
    entitlement: { id: given.id },
  });
  expect(await access(ann, { at: soon(11) })).body({
    allowed: false,
    because: 'expired',
    entitlement: { id: given.id },
  });
  expect(await access(ann, { at: soon(-1) })).body({ allowed: false, because: 'upcoming' });
  expect(await grant(ann, comp(plan, 5)))
    .problem('body_invalid')
    .fault('/ends_at', 'too_early');
  expect(await grant(ann, comp({ id: uuid7() }, 20))).fault('/plan_id', 'unknown');
  expect(await grant({ id: uuid7() }, comp(plan, 20))).problem('not_found', 404);
});

story('A payment by hand becomes order, payment and span together', async (stage) => {
  const { sql } = stage;
  const { shop, ann, grant, access, console } = await open(stage);
  const plan = await shop.plan({ grace_days: 5 });
  const first = await grant(ann, payment(plan, { reference: 'R-1' }));
  expect(first).status(201).body({ source: 'order', status: 'active', grace_days: 5 });
  const year = new Date(first.body.starts_at);
  const day = year.getUTCDate();
  year.setUTCFullYear(year.getUTCFullYear() + 1);
  if (year.getUTCDate() !== day) year.setUTCDate(0); // of 29 February the 28th
  expect(first.body.ends_at).is(year.toISOString());
  const early = await grant(ann, payment(plan, { amount_minor: 30000 }));
  expect(early).status(201).body({ starts_at: first.body.ends_at, status: 'upcoming' });
  const [order] = await sql`
    SELECT o.total_minor, o.paid_minor, o.status, l.unit_minor, l.discount_minor
    FROM orders o JOIN order_line l ON l.order_id = o.id WHERE o.id = ${early.body.order_id}`;
  expect(order).is({
    total_minor: 30000,
    paid_minor: 30000,
    status: 'paid',
    unit_minor: 36500,
    discount_minor: 6500,
  });
  expect(await grant(ann, payment(plan, { reference: 'R-1' }))).problem('reference_taken', 409);
  const afterGrace = new Date(Date.parse(early.body.ends_at) + 6 * DAY).toISOString();
  const inGrace = new Date(Date.parse(early.body.ends_at) + 4 * DAY).toISOString();
  expect(await access(ann, { at: inGrace })).body({ allowed: true, because: 'grace' });
  expect(await access(ann, { at: afterGrace })).body({ allowed: false, because: 'expired' });
  const all = await console.get(`/v1/members/${ann.id}/entitlements`, { query: { limit: 1 } });
  expect(all)
    .status(200)
    .body({ has_more: true, data: [{ id: early.id }] });
});

story('Money is whole, of the plan’s currency, and never more than its price', async (stage) => {
  const { shop, ann, grant } = await open(stage);
  const plan = await shop.plan();
  const pay = (more) => grant(ann, payment(plan, more));
  expect(await pay({ amount_minor: 365.5 })).fault('/amount_minor', 'type');
  expect(await pay({ amount_minor: 0 })).fault('/amount_minor', 'out_of_range');
  expect(await pay({ amount_minor: 36501 })).fault('/amount_minor', 'too_much');
  expect(await pay({ currency: 'USD' })).fault('/currency', 'differs');
  expect(await pay({ paid_at: soon(2) })).fault('/paid_at', 'too_late');
  expect(await pay({ reference: undefined })).fault('/reference', 'required');
  expect(await pay({ ends_at: soon(9) })).fault('/ends_at', 'superfluous');
  expect(await grant(ann, comp(plan, 9, { amount_minor: 1 }))).fault(
    '/amount_minor',
    'superfluous',
  );
  expect(await grant(ann, comp(plan, 9, { reason: undefined }))).fault('/reason', 'required');
  const ticket = await shop.plan({ period_unit: undefined, period_count: undefined });
  expect(await grant(ann, payment(ticket))).problem('state_forbids', 409);
  const forever = await shop.plan({ period_unit: 'lifetime', period_count: 1 });
  expect(await grant(ann, payment(forever)))
    .status(201)
    .body({ ends_at: '2299-12-31T00:00:00.000Z' });
  const product = { id: forever.product_id };
  const more = await shop.plan({ product });
  expect(await grant(ann, payment(more))).problem('nothing_to_add', 409);
  await stage.sql`UPDATE plan SET retired_at = now() WHERE id = ${plan.id}`;
  expect(await pay({})).problem('plan_retired', 409);
});

story('What is voided lets nobody in, and gives its code back', async (stage) => {
  const { api, shop, ann, console, access } = await open(stage);
  const code = await shop.code();
  const redeemed = await api.as(ann).post('/v1/redemptions', { code: code.code });
  expect(redeemed).status(201);
  const path = `/v1/members/${ann.id}/entitlements/${redeemed.id}`;
  expect(await console.get(path))
    .status(200)
    .body({ source: 'code', code_id: code.id });
  const replies = await race(8, () =>
    patiently(() => console.post(`${path}/void`, { reason: 'Sold by mistake' })),
  );
  expect(replies.filter((r) => r.status === 200).length).is(1);
  expect(replies.filter((r) => r.body.code === 'already_void').length).is(7);
  expect(await console.get(path)).body({ status: 'void', void_reason: 'Sold by mistake' });
  expect(await access(ann)).body({
    allowed: false,
    because: 'voided',
    entitlement: { id: redeemed.id, void_reason: 'Sold by mistake' },
  });
  expect(await api.as(ann).get('/v1/me/membership')).body({ active: false });
  expect(await shop.proof(code)).matches({ used: 0, live_redemptions: 0, balanced: true });
  const mine = await api.as(ann).get('/v1/me/redemptions');
  expect(mine.body.data).matches([{ id: redeemed.id, status: 'void', released_at: /Z$/ }]);
  const again = await api.as(ann).post('/v1/redemptions', { code: code.code });
  expect(again).status(201);
  expect(again.id).isNot(redeemed.id);
  expect(await shop.proof(code)).matches({ used: 1, balanced: true });
  expect(
    await console.post(`/v1/members/${ann.id}/entitlements/${uuid7()}/void`, { reason: 'x' }),
  ).problem('not_found', 404);
});

story('Giving is for operators, and reaches no other community', async (stage) => {
  const { api, people } = stage;
  const { shop, ann, grant } = await open(stage);
  const plan = await shop.plan();
  const given = await grant(ann, comp(plan, 10));
  const path = `/v1/members/${ann.id}`;
  const span = `${path}/entitlements/${given.id}`;
  const lecturer = api.as(await people.lecturer());
  const eve = api.as(await people.in(await stage.another()).operator());
  expect(await lecturer.post(`${path}/grants`, comp(plan, 20))).problem('not_allowed', 403);
  expect(await lecturer.get(`${path}/access`)).problem('not_allowed', 403);
  expect(await lecturer.get(`${path}/entitlements`)).problem('not_allowed', 403);
  expect(await lecturer.post(`${span}/void`, { reason: 'x' })).problem('not_allowed', 403);
  expect(await eve.post(`${path}/grants`, comp(plan, 20))).problem('not_found', 404);
  expect(await eve.get(`${path}/access`)).problem('not_found', 404);
  expect(await eve.get(span)).problem('not_found', 404);
  expect(await eve.post(`${span}/void`, { reason: 'x' })).problem('not_found', 404);
  expect(await eve.get(`${path}/entitlements`)).problem('not_found', 404);
});

story('A keyed grant is made once, and its answer kept', async (stage) => {
  const { sql } = stage;
  const { shop, ann, console } = await open(stage);
  const plan = await shop.plan();
  const body = payment(plan);
  const keyed = console.with({ 'Idempotency-Key': 'grant-1' });
  const path = `/v1/members/${ann.id}/grants`;
  const replies = await race(8, () => keyed.post(path, body));
  const first = replies.find((r) => r.status === 201);
  for (const reply of replies) {
    if (reply.status !== 201) expect(reply).problem('idempotency_in_flight', 409);
  }
  const later = await keyed.post(path, body);
  expect(later).status(201).header('Idempotent-Replayed', 'true').text(first.text);
  expect(later.header('Location')).is(first.header('Location'));
  const [{ count }] =
    await sql`SELECT count(*) FROM payment WHERE provider_ref = ${body.reference}`;
  expect(count).is(1);
});

story('Two who give at once leave no overlap and lose nothing', async (stage) => {
  const { shop, ann, grant, console } = await open(stage);
  const plan = await shop.plan();
  const replies = await race(8, () => grant(ann, payment(plan)));
  const made = replies.filter((r) => r.status === 201);
  for (const reply of replies) {
    if (reply.status !== 201) expect(reply).problem('busy', 503).header('Retry-After');
  }
  expect(made.length).atLeast(1);
  const { data } = (await console.get(`/v1/members/${ann.id}/entitlements`)).body;
  expect(data.length).is(made.length);
});
