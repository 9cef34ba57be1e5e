// Seats of a group: paid for by one, held by others, for what is left of them.
import { expect, patiently, race, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { Till } from './lib/till.mjs';

const DAY = 86_400_000;

async function open(stage) {
  const { people, api } = stage;
  const operator = await people.operator();
  const shop = new Shop(api, operator);
  const month = { period_unit: 'day', period_count: 30 };
  const plan = await shop.plan({ ...month, seats: 5, price_minor: 20000 });
  const single = await shop.plan({ ...month, product: { id: plan.product_id } });
  const till = new Till(stage, await people.member({ name: 'Ann' }));
  const seats = async () => (await till.api.get('/v1/me/seats')).body.data;
  const give = ({ id }, who) => till.api.put(`/v1/seats/${id}/member`, { member_id: who.id });
  const back = ({ id }) => till.api.delete(`/v1/seats/${id}/member`);
  const membership = async (who) => (await api.as(who).get('/v1/me/membership')).body;
  return { operator, shop, plan, single, till, seats, give, back, membership };
}

story('An owner gives seats, to another, and back; what is left goes along', async (stage) => {
  const { people, sql } = stage;
  const { plan, single, till, seats, give, back, membership } = await open(stage);
  const [bob, cat, dan] = await people.members(3);
  const quote = await till.quote({ kind: 'seats', plan_id: plan.id });
  expect(quote).status(201).body({ units: 5, total_minor: 20000, starts_at: /Z$/ });
  const order = await till.buy({ kind: 'seats', plan_id: plan.id });
  const all = await seats();
  expect(all.map((s) => s.number)).is([1, 2, 3, 4, 5]);
  const [seat, other] = all;
  expect(seat).matches({
    status: 'free',
    order_id: order.id,
    owner_id: till.person.id,
    ends_at: order.lines[0].ends_at,
  });
  expect(await membership(till.person)).matches({ active: false });
  expect(await give(seat, bob))
    .status(200)
    .body({
      status: 'assigned',
      member_id: bob.id,
      ends_at: (at) => Math.abs(Date.parse(at) - Date.parse(seat.ends_at)) < 2,
    });
  expect(await membership(bob)).matches({ active: true });

  // Twelve days later somebody else has it, for the eighteen that are left.
  await sql`
    UPDATE entitlement SET span = tstzrange(lower(span) - interval '12 days',
                                            upper(span) - interval '12 days')
    WHERE member_id = ${bob.id}`;
  const [was] = await sql`SELECT upper(span) AS ends FROM entitlement WHERE member_id = ${bob.id}`;
  expect(await give(seat, cat))
    .status(200)
    .body({ member_id: cat.id });
  expect(await membership(bob)).matches({ active: false });
  const hers = await membership(cat);
  expect(hers.active).isTrue();
  expect(Math.abs(Date.parse(hers.until) - was.ends) < 1000).isTrue(hers.until);

  // Behind what the next one has already.
  const paid = await till.for(dan).buy({ plan_id: single.id });
  expect(await give(seat, dan)).status(200);
  const his = await membership(dan);
  const left = (Date.parse(his.until) - Date.parse(paid.lines[0].ends_at)) / DAY;
  expect(Math.abs(left - 18) < 0.01).isTrue(`${left} days`);
  expect(await membership(cat)).matches({ active: false });

  expect(await back(seat))
    .status(200)
    .body({ status: 'free', member_id: null });
  expect(await membership(dan)).matches({ until: paid.lines[0].ends_at });
  expect(await give(seat, bob)).status(200);
  expect(await membership(bob)).matches({ active: true });
  expect(await give(other, bob)).problem('seat_held', 409);
  expect(await give(seat, bob)).status(200);
});

story('Seats are their owner’s to give, to members of the community', async (stage) => {
  const { people, api, sql, community } = stage;
  const { operator, shop, plan, till, seats, give, back } = await open(stage);
  const bob = await people.member();
  const order = await till.buy({ kind: 'seats', plan_id: plan.id });
  const [seat, second, third] = await seats();
  expect(await give(seat, { id: uuid7() }))
    .problem('body_invalid', 422)
    .fault('/member_id', 'unknown');
  const eve = await people.in(await stage.another()).operator();
  expect(await give(seat, eve)).fault('/member_id', 'unknown');
  const path = `/v1/seats/${seat.id}`;
  const body = { member_id: bob.id };
  for (const who of [bob, eve]) {
    expect(await api.as(who).put(`${path}/member`, body)).problem('not_found', 404);
    expect(await api.as(who).delete(`${path}/member`)).problem('not_found', 404);
    expect(await api.as(who).get(path)).problem('not_found', 404);
  }
  expect(await till.api.get(path))
    .status(200)
    .header('ETag')
    .body({ number: 1, status: 'free' });
  expect(await api.as(operator).put(`${path}/member`, body)).status(200);
  const log = await api.as(operator).get('/v1/audit-log', { query: { target_id: seat.id } });
  expect(log.body.data).matches([{ action: 'seat.assign', after: { member_id: bob.id } }]);
  const forever = await shop.plan({
    product: { id: plan.product_id },
    period_unit: 'lifetime',
    period_count: 1,
  });
  const old = await people.member();
  await till.for(old).buy({ plan_id: forever.id });
  expect(await give(second, old)).problem('nothing_to_add', 409);
  expect(await give(seat, old)).problem('nothing_to_add', 409);
  expect(await till.api.get(path)).body({ member_id: bob.id }); // as before
  await sql`
    UPDATE group_seat SET span = tstzrange(now() - interval '31 days', now() - interval '1 day')
    WHERE id = ${second.id}`;
  expect(await give(second, await people.member())).problem('too_late', 409);
  await sql`
    UPDATE entitlement SET span = tstzrange(now() - interval '31 days', now() - interval '1 day')
    WHERE member_id = ${bob.id}`;
  expect(await back(seat)).problem('too_late', 409);
  const [{ id }] = await sql`SELECT id FROM payment WHERE order_id = ${order.id}`;
  await sql`
    SELECT refund_record(${community.id}, uuid7(), ${id}, 'back', 20000, 'x', NULL, now(), false,
                         NULL)`;
  expect(await give(third, bob)).problem('state_forbids', 409);
  expect(await back(third)).problem('state_forbids', 409);
  expect((await seats())[2]).matches({ status: 'revoked' });
});

story('Sixty-four are given five seats at once: five have one', async (stage) => {
  const { people, sql } = stage;
  const { plan, till, seats, give } = await open(stage);
  const them = await people.members(64);
  await till.buy({ kind: 'seats', plan_id: plan.id });
  const five = await seats();
  const replies = await race(64, (i) => patiently(() => give(five[i % 5], them[i])));
  for (const r of replies) {
    if (r.status !== 200) expect(r).problem('busy', 503);
  }
  const held = (await seats()).map((s) => s.member_id);
  expect(new Set(held).size).is(5);
  const active = await sql`
    SELECT member_id FROM entitlement
    WHERE plan_id = ${plan.id} AND voided_at IS NULL AND span @> now()`;
  expect(active.map((row) => row.member_id).sort()).is([...held].sort());
  // One member, five seats at once: one of them.
  const bob = await people.member();
  const all = await race(5, (i) => give(five[i], bob));
  expect(all.filter((r) => r.status === 200).length).is(1);
  const left = await seats();
  expect(left.filter((s) => s.member_id === bob.id).length).is(1);
});

story('Seats are listed a page at a time', async (stage) => {
  const { plan, till } = await open(stage);
  await till.buy({ kind: 'seats', plan_id: plan.id, quantity: 2 });
  const page = await till.api.get('/v1/me/seats', { query: { limit: 7 } });
  expect(page).status(200).body({ has_more: true });
  const rest = { limit: 7, cursor: page.body.next_cursor };
  const more = await till.api.get('/v1/me/seats', { query: rest });
  const numbers = [...page.body.data, ...more.body.data].map((s) => s.number);
  expect(numbers).is([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

story('A seat that a pause cut in two is taken back whole, with what is left', async (stage) => {
  const { people, sql } = stage;
  const { plan, single, till, seats, give, back, membership } = await open(stage);
  const [bob, cat] = await people.members(2);
  await till.buy({ kind: 'seats', plan_id: plan.id });
  const [seat, other] = await seats();
  await give(seat, bob);
  await sql`
    UPDATE entitlement SET span = tstzrange(lower(span) - interval '12 days',
                                            upper(span) - interval '12 days')
    WHERE member_id = ${bob.id}`;
  // He buys a month of his own, which renews nothing, and rests: the seat's span is cut.
  await sql`
    INSERT INTO membership (community_id, id, member_id, product_id, plan_id, auto_renew)
    VALUES (${stage.community.id}, uuid7(), ${bob.id}, ${plan.product_id}, ${single.id}, false)`;
  await sql`
    SELECT membership_pause(${stage.community.id}, m.id, now(), now() + interval '20 days')
    FROM membership m WHERE m.member_id = ${bob.id}`;
  const length = ({ starts_at, ends_at }) => (Date.parse(ends_at) - Date.parse(starts_at)) / DAY;
  const shown = (await seats())[0];
  expect(shown).matches({ status: 'assigned', member_id: bob.id });
  expect(Date.parse(shown.ends_at)).atLeast(Date.now() + 37 * DAY);
  expect(await give(seat, cat))
    .status(200)
    .body({ status: 'assigned', member_id: cat.id });
  const [hers] = await sql`
    SELECT iso(lower(span)) AS starts_at, iso(upper(span)) AS ends_at FROM entitlement
    WHERE member_id = ${cat.id} AND voided_at IS NULL`;
  expect(length(hers)).atLeast(17.99).atMost(18.01);
  const left = await sql`
    SELECT id FROM entitlement
    WHERE member_id = ${bob.id} AND voided_at IS NULL AND upper(span) > now()`;
  expect(left).is([]);
  // Refunded, what came of it is gone too.
  const [{ id }] = await sql`SELECT id FROM payment WHERE order_id = ${seat.order_id}`;
  await sql`
    SELECT refund_record(${stage.community.id}, uuid7(), ${id}, 'all', 20000, 'x', NULL, now(),
                         false, NULL)`;
  expect(await membership(cat)).matches({ active: false });
  expect(await back(other)).problem('state_forbids', 409);
});
