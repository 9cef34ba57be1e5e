// Gifts: bought by one, taken by whoever has the link, once; and seats, given and taken back.
import { expect, patiently, race, story, uuid7 } from './lib/story.mjs';
import { erased } from './lib/visitor.mjs';
import { Shop } from './lib/shop.mjs';
import { Till } from './lib/till.mjs';

export const server = { env: { LYCEUM_PACE_SCALE: '100000' } };

const DAY = 86_400_000;
const days = (from, until) => (Date.parse(until) - Date.parse(from)) / DAY;

async function open(stage) {
  const { people, api } = stage;
  const shop = new Shop(api, await people.operator());
  const plan = await shop.plan({ period_unit: 'day', period_count: 30, price_minor: 5000 });
  const till = new Till(stage, await people.member({ name: 'Ann' }));
  const give = (more) => till.buy({ kind: 'gift', plan_id: plan.id, ...more });
  const gifts = async () => (await till.api.get('/v1/me/gifts')).body.data;
  const claim = (who, token) => api.as(who).post('/v1/gifts/claim', { token });
  const membership = async (who) => (await api.as(who).get('/v1/me/membership')).body;
  return { shop, plan, till, give, gifts, claim, membership };
}

story('A gift is paid by one and taken by another, by its link', async (stage) => {
  const { people } = stage;
  const { plan, till, give, gifts, claim, membership } = await open(stage);
  const bob = await people.member({ name: 'Bob' });
  const quote = await till.quote({ kind: 'gift', plan_id: plan.id, quantity: 2 });
  expect(quote).status(201).body({ total_minor: 10000, units: 2, starts_at: null, ends_at: null });
  const order = await till.order({
    kind: 'gift',
    plan_id: plan.id,
    quantity: 2,
    note: 'With love',
  });
  expect(await gifts()).is([]);
  await till.pay(order);
  const [two, one] = await gifts();
  expect(one).matches({ status: 'open', message: 'With love', order_id: order.id });
  expect(one.claim_token).isNot(two.claim_token);
  expect(days(one.created_at, one.claim_until)).is(180);
  expect(await membership(till.person)).matches({ active: false });

  const got = await claim(bob, one.claim_token);
  expect(got).status(200).body({ plan_id: plan.id, giver_name: 'Ann', message: 'With love' });
  expect(days(got.body.starts_at, got.body.ends_at)).is(30);
  expect(await membership(bob)).matches({ active: true, until: got.body.ends_at });
  expect(await claim(bob, one.claim_token))
    .status(200)
    .text(got.text);
  const [left, taken] = await gifts();
  expect(taken).matches({ status: 'claimed', claimed_at: /Z$/, claim_token: null });
  expect(left).matches({ status: 'open', claim_token: two.claim_token });
  const page = await till.api.get('/v1/me/gifts', { query: { limit: 1 } });
  expect(page).body({ has_more: true, data: [{ id: two.id }] });
  const rest = { limit: 1, cursor: page.body.next_cursor };
  expect(await till.api.get('/v1/me/gifts', { query: rest })).body({ data: [{ id: one.id }] });
  expect((await stage.api.as(bob).get('/v1/me/gifts')).body.data).is([]);
  await give();
});

story(
  'A link that is taken, one’s own, late, withdrawn or made up gives nothing',
  async (stage) => {
    const { people, sql, community } = stage;
    const { shop, till, give, gifts, claim, membership } = await open(stage);
    const [bob, cat] = await people.members(2);
    const order = await give({ quantity: 3 });
    const [a, b, c] = await gifts();
    expect(await claim(till.person, a.claim_token)).problem('gift_own', 409);
    expect(await claim(bob, a.claim_token)).status(200);
    expect(await claim(cat, a.claim_token)).problem('gift_taken', 409);
    await sql`UPDATE gift SET claim_until = now() - interval '1 s' WHERE id = ${b.id}`;
    expect(await claim(cat, b.claim_token)).problem('too_late', 409);
    expect((await gifts())[1]).matches({ status: 'expired', claim_token: null });
    const [{ id }] = await sql`SELECT id FROM payment WHERE order_id = ${order.id}`;
    await sql`
    SELECT refund_record(${community.id}, uuid7(), ${id}, 'back', 15000, 'x', NULL, now(), false,
                         NULL)`;
    expect(await claim(cat, c.claim_token)).problem('gift_taken', 409);
    expect((await gifts())[2]).matches({ status: 'withdrawn' });
    expect(await membership(bob)).matches({ active: false }); // refunded, it is revoked

    const forged = c.claim_token.replace(/^./, (x) => (x === 'A' ? 'B' : 'A'));
    const face = ({ status, body: { request_id, ...rest } }) => ({ status, rest });
    const unknown = await claim(cat, forged);
    expect(unknown).problem('gift_unknown', 404);
    for (const token of ['x', 'not a link at all', 'A'.repeat(43)]) {
      expect(face(await claim(cat, token))).is(face(unknown));
    }
    const eve = await people.in(await stage.another()).member();
    await give();
    const [fresh] = await gifts();
    expect(await claim(eve, fresh.claim_token)).problem('gift_unknown', 404);
    await sql`DELETE FROM gift WHERE id = ${fresh.id}`;
    expect(face(await claim(cat, fresh.claim_token))).is(face(unknown));
    for (const state of ['suspended', 'banned']) {
      await sql`
      UPDATE member SET state = ${state}, state_reason = 'As the story asks', state_by = id
      WHERE id = ${cat.id}`;
      await give();
      const [next] = await gifts();
      expect(await claim(cat, next.claim_token)).problem(`member_${state}`, 403);
    }
    const forever = await shop.plan({
      product: { id: order.lines[0].product_id },
      period_unit: 'lifetime',
      period_count: 1,
    });
    await till.for(bob).buy({ plan_id: forever.id });
    const [last] = await gifts();
    expect(await claim(bob, last.claim_token)).problem('nothing_to_add', 409);
    expect((await gifts())[0]).matches({ status: 'open' });
  },
);

story('Guesses at links are charged', async (stage) => {
  const { people } = stage;
  const { give, gifts, claim } = await open(stage);
  const bob = await people.member();
  await give();
  const [gift] = await gifts();
  const left = (reply) => Number(/r=(\d+)/.exec(reply.header('RateLimit'))[1]);
  const before = left(await claim(bob, gift.claim_token));
  expect(left(await claim(bob, gift.claim_token))).is(before);
  expect(left(await claim(bob, 'y'))).is(before - 1);
});

story('A gift goes behind a paid period, and a paid period behind a gift', async (stage) => {
  const { people } = stage;
  const { plan, till, give, gifts, claim, membership } = await open(stage);
  const [bob, cat] = await people.members(2);
  await give({ quantity: 2 });
  const [one, two] = await gifts();
  const paid = await till.for(bob).buy({ plan_id: plan.id });
  const behind = await claim(bob, one.claim_token);
  expect(behind).body({ starts_at: paid.lines[0].ends_at });
  expect(await membership(bob)).matches({ until: behind.body.ends_at });
  const first = await claim(cat, two.claim_token);
  const next = await till.for(cat).buy({ plan_id: plan.id });
  expect(next.lines[0].starts_at).is(first.body.ends_at);
  expect(days(first.body.starts_at, next.lines[0].ends_at)).is(60);
  expect(await membership(cat)).matches({ until: next.lines[0].ends_at });
});

story('Sixty-four race for a gift: exactly one has it', async (stage) => {
  const { people, sql } = stage;
  const { give, gifts, claim, membership } = await open(stage);
  const them = await people.members(64);
  await give();
  const [{ id, claim_token }] = await gifts();
  const replies = await race(64, (i) => claim(them[i], claim_token));
  const won = replies.findIndex((r) => r.status === 200);
  for (const [i, reply] of replies.entries()) {
    if (i === won) continue;
    expect(['gift_taken', 'busy'].includes(reply.body.code)).isTrue(reply.text);
  }
  expect(replies.filter((r) => r.status === 200).length).is(1);
  expect(await membership(them[won])).matches({ active: true });
  const [{ count }] = await sql`
    SELECT count(*) FROM entitlement WHERE source = 'gift' AND given_by = (
      SELECT giver_id FROM gift WHERE id = ${id})`;
  expect(count).is(1);
  const again = await race(16, () => patiently(() => claim(them[won], claim_token)));
  for (const reply of again) expect(reply).status(200).text(replies[won].text);
});

story('What a giver wrote is gone when they are, and the gift is not', async (stage) => {
  const { people, sql } = stage;
  const { till, give, gifts, claim } = await open(stage);
  const bob = await people.member();
  await people.owner();
  await give({ note: 'From your Annie' });
  const [{ id, claim_token }] = await gifts();
  expect(await till.api.delete('/v1/me')).status(202);
  await erased(sql, till.person);
  const [said] = await sql`
    SELECT g.message, l.note FROM gift g JOIN order_line l ON l.id = g.order_line_id
    WHERE g.id = ${id}`;
  expect(said).is({ message: null, note: null });
  expect(await claim(bob, claim_token))
    .status(200)
    .body({ giver_name: '—', message: null });
});

story('While its payer wants the money back nobody takes a gift, nor when it is gone', async (stage) => {
  const { people, sql, community } = stage;
  const { give, gifts, claim } = await open(stage);
  const bob = await people.member();
  const dispute = async (order, ref) => {
    const [{ id }] = await sql`SELECT id FROM payment WHERE order_id = ${order.id}`;
    await sql`SELECT dispute_open(${community.id}, ${uuid7()}, ${id}, ${ref}, 5000, NULL, now())`;
    return (won) => sql`SELECT dispute_end(${community.id}, ${id}, ${ref}, ${won}, now())`;
  };
  const end = await dispute(await give(), 'd-1');
  const [first] = await gifts();
  expect(await claim(bob, first.claim_token)).problem('gift_taken', 409);
  await end(true);
  expect(await claim(bob, first.claim_token)).status(200);

  const lose = await dispute(await give(), 'd-2');
  const [second] = await gifts();
  await lose(false);
  expect(await claim(await people.member(), second.claim_token)).problem('gift_taken', 409);
});
