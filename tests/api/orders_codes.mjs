// Discounts by code: what they are worth, for whom, how often, and when they are free again.
import { eventually, expect, patiently, race, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { Till, receive } from './lib/till.mjs';

export const server = { env: { LYCEUM_PACE_SCALE: '100000' } };

const DAY = 86_400_000;
const soon = (days) => new Date(Date.now() + days * DAY).toISOString();

async function open(stage, terms) {
  const { api, people } = stage;
  const operator = await people.operator();
  const shop = new Shop(api, operator);
  const plan = await shop.plan({ price_minor: 9999, ...terms });
  const discount = (more) => shop.code({ plan, effect: 'discount', ...more });
  const till = new Till(stage, await people.member());
  const ask = ({ code }, who = till, more) => who.quote({ plan_id: plan.id, code, ...more });
  return { operator, console: api.as(operator), shop, plan, discount, till, ask };
}

const order = (till, { id }) => till.api.post('/v1/orders', { quote_id: id });

story(
  'A discount is a percentage rounded down or an amount, never more than the price',
  async (stage) => {
    const { discount, till, ask } = await open(stage);
    const third = await ask(await discount({ percent: 33 }));
    expect(third)
      .status(201)
      .body({ subtotal_minor: 9999, discount_minor: 3299, total_minor: 6700, code_hint: /…$/ });
    expect(third.text.includes('"code"')).is(false);
    expect(await ask(await discount({ discount_minor: 500 }))).body({ total_minor: 9499 });
    const all = await discount({ discount_minor: 50000 });
    const free = await ask(all);
    expect(free).body({ discount_minor: 9999, total_minor: 0 });
    expect(await order(till, free))
      .status(201)
      .body({ status: 'paid', settled_at: /Z$/ });
    expect(await till.api.get('/v1/me/membership')).body({ active: true });
    expect(await ask(all)).problem('code_used', 409);
  },
);

story('A code says why it does not help', async (stage) => {
  const { sql } = stage;
  const { console, shop, plan, discount, till, ask } = await open(stage);
  const percent = 10;
  expect(await ask(await discount({ percent, minimum_minor: 10000 }))).problem('code_minimum', 409);
  expect(await ask(await discount({ percent, minimum_minor: 9999 }))).status(201);
  const other = await shop.plan();
  expect(await ask(await shop.code({ plan: other, effect: 'discount', percent }))).problem(
    'code_other_plan',
    409,
  );
  const dear = await shop.plan({ prices: [{ currency: 'JPY', price_minor: 200000 }] });
  for (const terms of [{ discount_minor: 500 }, { percent, minimum_minor: 500 }]) {
    const { code } = await shop.code({ plan: dear, effect: 'discount', ...terms });
    const yen = { plan_id: dear.id, currency: 'JPY', code };
    expect(await till.quote(yen)).problem('code_other_currency', 409);
    expect(await till.quote({ ...yen, currency: 'CNY' })).status(201);
  }
  expect(await ask(await shop.code({ plan }))).problem('code_no_discount', 409);
  expect(await ask(await discount({ percent, valid_from: soon(1) }))).problem('code_not_yet', 409);
  const ended = await discount({ percent, valid_until: soon(1) });
  await sql`UPDATE invite_code SET valid_until = now() - interval '1 s' WHERE id = ${ended.id}`;
  expect(await ask(ended)).problem('code_expired', 409);
  const revoked = await discount({ percent });
  await console.patch(`/v1/codes/${revoked.id}`, { revoked: true });
  expect(await ask(revoked)).problem('code_revoked', 409);
  const { code } = await discount({ percent });
  const slip = code.replace(/.$/, (c) => (c === '7' ? '8' : '7'));
  expect(await ask({ code: slip })).problem('code_malformed', 422);
  expect(await ask(await discount({ percent: 1 }), till, { kind: 'gift' })).status(201);
  const cheap = await shop.plan({ price_minor: 5 });
  const tiny = await shop.code({ plan: cheap, effect: 'discount', percent: 1 });
  expect(await till.quote({ plan_id: cheap.id, code: tiny.code })).problem('nothing_to_add', 409);
});

story('A chosen code that does not work and one that never was answer alike', async (stage) => {
  const { console, discount, ask, till, operator } = await open(stage);
  const chosen = (code, more) => discount({ percent: 10, code, ...more });
  const revoked = await chosen('SPRING-SALE');
  await console.patch(`/v1/codes/${revoked.id}`, { revoked: true });
  const early = await chosen('AUTUMN-SALE', { valid_from: soon(2) });
  const reserved = await chosen('FOR-BOB-ONLY', { reserved_for: 'bob@example.org' });
  const unknown = await ask({ code: 'WINTER-SALE' });
  expect(unknown).problem('code_refused', 404);
  const face = ({ status, body: { request_id, instance, ...rest } }) => ({ status, rest });
  for (const { code } of [revoked, early, reserved]) {
    expect(face(await ask({ code }))).is(face(unknown));
  }
  expect(await ask(revoked, till.for(operator))).problem('code_revoked', 409);
  expect(await ask(await chosen('SUMMER-SALE'))).status(201);
});

story('Guesses are charged, and a code that works is not', async (stage) => {
  const { people } = stage;
  const { discount, till, ask } = await open(stage);
  const { code } = await discount({ percent: 5, code: 'WELCOME-IN', max_uses: 1000 });
  const left = (reply) => Number(/r=(\d+)/.exec(reply.header('RateLimit'))[1]);
  const before = left(await ask({ code }));
  expect(left(await ask({ code }))).is(before);
  expect(left(await ask({ code: 'NOT-A-CODE' }))).is(before - 1);
  expect(left(await ask({ code: 'ABCDE' }, till.for(await people.member())))).is(before - 1);
});

story('A reserved code is for who proved that contact', async (stage) => {
  const { people } = stage;
  const { discount, till, ask } = await open(stage);
  const bob = await people.member({ email: 'bob@example.org' });
  const code = await discount({ percent: 50, reserved_for: 'bob@example.org' });
  expect(await ask(code)).problem('code_reserved', 409);
  expect(await ask(code, till.for(bob))).status(201);
});

story(
  'A code is held while its order is open, free when it closes, used when it is paid',
  async (stage) => {
    const { sql, people } = stage;
    const { shop, discount, till, ask } = await open(stage);
    const code = await discount({ percent: 10, max_uses: 1 });
    const books = async (wanted) => {
      expect(await shop.proof(code)).matches({ balanced: true, ...wanted });
    };
    const [one, two, three] = await race(3, () => ask(code));
    const bob = till.for(await people.member());
    const his = await ask(code, bob);
    const first = await order(till, one);
    expect(first).status(201).body({ total_minor: 9000, code_hint: /…$/ });
    await books({ used: 0, held: 1, open_holds: 1 });
    expect(await order(till, two)).problem('code_held', 409);
    expect(await order(bob, his)).problem('code_sold_out', 409);
    expect(await ask(code, bob)).problem('code_sold_out', 409);

    expect(await till.api.post(`/v1/orders/${first.id}/cancel`)).status(200);
    await books({ used: 0, held: 0, open_holds: 0 });
    const second = await order(bob, his);
    expect(second).status(201);
    await sql`UPDATE orders SET expires_at = now() - interval '1 s' WHERE id = ${second.id}`;
    await eventually(async () => (await bob.read(second)).status === 'expired');
    await books({ used: 0, held: 0, open_holds: 0 });

    const third = await order(till, two);
    expect(third).status(201);
    await till.pay(third.body);
    await books({ used: 1, held: 0, live_redemptions: 1, in_orders: 1 });
    expect(await order(till, three)).problem('code_used', 409);
    expect(await ask(code)).problem('code_used', 409);
    expect(await ask(code, bob)).problem('code_sold_out', 409);
  },
);

story(
  'A code that was quoted and then withdrawn buys nothing, one that is held does',
  async (stage) => {
    const { people } = stage;
    const { console, discount, till, ask } = await open(stage);
    const code = await discount({ percent: 10, max_uses: 5 });
    const bob = till.for(await people.member());
    const [mine, his] = [await ask(code), await ask(code, bob)];
    const held = await order(till, mine);
    await console.patch(`/v1/codes/${code.id}`, { revoked: true });
    expect(await order(bob, his)).problem('code_revoked', 409);
    expect((await till.pay(held.body)).status).is('paid');
  },
);

story('Of a campaign, one code for each member, also while it is held', async (stage) => {
  const { sql, community } = stage;
  const { shop, plan, discount, till, ask } = await open(stage);
  const campaign = await shop.campaign({ once_per_member: true });
  const make = (more) => discount({ percent: 10, campaign_id: campaign.id, ...more });
  const [a, b] = [await make(), await make()];
  const [one, two] = [await ask(a), await ask(b)];
  const first = await order(till, one);
  expect(first).status(201);
  expect(await ask(b)).problem('campaign_used', 409);
  expect(await order(till, two)).problem('quote_changed', 409);
  // Another code of it was redeemed while the order waited: what is paid is taken nevertheless.
  const days = await shop.code({ plan, campaign_id: campaign.id });
  expect(await till.api.post('/v1/redemptions', { code: days.code })).status(201);
  expect(await receive(sql, community, first.body)).matches({ outcome: 'counted', settled: true });
  expect(await shop.proof(a)).matches({ used: 1, balanced: true });
  expect(await ask(b)).problem('campaign_used', 409);
});

story('Sixty-four orders race for a code of five uses: five get it', async (stage) => {
  const { people, community, sql } = stage;
  const { shop, discount, till, ask } = await open(stage);
  const code = await discount({ percent: 50, max_uses: 5 });
  const tills = (await people.members(64)).map((one) => till.for(one));
  const quotes = await Promise.all(tills.map((one) => ask(code, one)));
  for (const quote of quotes) expect(quote).status(201);
  const replies = await race(64, (i) => patiently(() => order(tills[i], quotes[i])));
  const got = replies.filter((r) => r.status === 201);
  expect(got.length).is(5);
  for (const r of replies) if (r.status !== 201) expect(r).problem('code_sold_out', 409);
  expect(await shop.proof(code)).matches({ used: 0, held: 5, open_holds: 5, balanced: true });
  await Promise.all(got.map((r) => receive(sql, community, r.body)));
  expect(await shop.proof(code)).matches({ used: 5, held: 0, in_orders: 5, balanced: true });
});

story('One member on sixty-four devices uses a code in one order', async (stage) => {
  const { shop, discount, till, ask } = await open(stage);
  const code = await discount({ percent: 50, max_uses: 64 });
  const quotes = await race(64, () => ask(code));
  const replies = await race(64, (i) => order(till, quotes[i]));
  expect(replies.filter((r) => r.status === 201).length).is(1);
  for (const r of replies) {
    if (r.status !== 201) expect(['code_held', 'busy'].includes(r.body.code)).isTrue(r.text);
  }
  expect(await shop.proof(code)).matches({ held: 1, open_holds: 1, balanced: true });
});

story(
  'A discount for ever goes on at each renewal, one for the first period does not',
  async (stage) => {
    const { sql, people } = stage;
    const { discount, till, plan, ask, console } = await open(stage, { renews: true });
    const renewal = async (who) => {
      const [{ id }] = await sql`SELECT id FROM membership WHERE member_id = ${who.person.id}`;
      return who.quote({ kind: 'renewal', membership_id: id });
    };
    const once = await till.pay(
      (await order(till, await ask(await discount({ percent: 20 })))).body,
    );
    expect(once.total_minor).is(8000);
    expect(await renewal(till))
      .status(201)
      .body({ total_minor: 9999, starts_at: once.lines[0].ends_at });
    const bob = till.for(await people.member());
    const forever = await discount({ percent: 20, forever: true });
    expect(forever).matches({ forever: true, minimum_minor: null });
    await bob.pay((await order(bob, await ask(forever, bob))).body);
    for (let i = 0; i < 2; i++) {
      const next = await renewal(bob);
      expect(next).body({ kind: 'renewal', discount_minor: 1999, total_minor: 8000 });
      const again = await renewal(bob);
      const made = await order(bob, next);
      expect(await order(bob, again)).problem('order_waits', 409);
      await bob.pay(made.body);
    }
    await console.patch(`/v1/codes/${forever.id}`, { revoked: true });
    expect(await renewal(bob)).body({ total_minor: plan.price_minor });
  },
);

story('Terms of a discount make sense, one by one and in batches', async (stage) => {
  const { api, people } = stage;
  const { console, plan, ask, till } = await open(stage);
  const make = (more) => console.post('/v1/codes', { plan_id: plan.id, ...more });
  expect(await make({ days: 7, forever: true })).fault('/forever', 'superfluous');
  expect(await make({ days: 7, minimum_minor: 5 })).fault('/minimum_minor', 'superfluous');
  const batch = (more) => console.post('/v1/code-batches', { plan_id: plan.id, count: 3, ...more });
  expect(await batch({ days: 7, forever: true })).fault('/forever', 'superfluous');
  expect(await batch({ days: 7, minimum_minor: 5 })).fault('/minimum_minor', 'superfluous');
  const terms = { effect: 'discount', percent: 15, forever: true, minimum_minor: 9000 };
  const made = await batch(terms);
  expect(made).status(202);
  await eventually(async () => (await console.get(made.header('Location'))).body.state === 'done');
  expect(await console.get(`/v1/code-batches/${made.id}`)).body({
    forever: true,
    minimum_minor: 9000,
  });
  const { data } = (await console.get('/v1/codes', { query: { batch_id: made.id } })).body;
  expect(data.length).is(3);
  expect(data[0]).matches({ forever: true, minimum_minor: 9000, percent: 15 });
  const one = await console.get(`/v1/codes/${data[0].id}`);
  expect(await ask(one.body))
    .status(201)
    .body({ total_minor: 9999 - 1499 });
  expect(await api.as(await people.member()).get(`/v1/codes/${uuid7()}`)).problem('not_allowed');
  expect(await ask(one.body, till)).status(201);
});
