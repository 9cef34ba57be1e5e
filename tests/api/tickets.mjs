// A seat in a lecture, thanks to a lecturer, and gifts to the house.
import { eventually, expect, race, story, uuid7 } from './lib/story.mjs';
import { School } from './lib/school.mjs';
import { Shop } from './lib/shop.mjs';
import { Till, receive } from './lib/till.mjs';
import { openTill } from './lib/orders.mjs';

async function open(stage) {
  const { people, api, sql } = stage;
  const operator = await people.operator();
  const shop = new Shop(api, operator);
  const school = new School(stage);
  const once = { period_unit: undefined, period_count: undefined };
  const sold = async (kind, more) =>
    shop.plan({ product: await shop.product({ kind }), ...once, ...more });
  const till = new Till(stage, await people.member({ name: 'Ann' }));
  const lecture = async (capacity, begins = 600, more) => {
    const id = await school.lecture(begins, more);
    await sql`UPDATE lecture SET capacity = ${capacity} WHERE id = ${id}`;
    return id;
  };
  const rsvp = async (id, who) =>
    (
      await sql`SELECT state, seat_number FROM rsvp WHERE lecture_id = ${id} AND member_id = ${who.id}`
    )[0];
  return { operator, shop, school, sold, till, lecture, rsvp };
}

const order = (till, { id }) => till.api.post('/v1/orders', { quote_id: id });

story('A ticket holds a seat while it waits to be paid, and has it then', async (stage) => {
  const { sql, people } = stage;
  const { sold, till, lecture, rsvp } = await open(stage);
  const plan = await sold('ticket', { price_minor: 5000 });
  const talk = await lecture(1);
  const ask = (who = till, more) =>
    who.quote({ kind: 'ticket', plan_id: plan.id, lecture_id: talk, ...more });
  const bob = till.for(await people.member());
  const [one, two, his] = [await ask(), await ask(), await ask(bob)];
  expect(one)
    .status(201)
    .body({ total_minor: 5000, starts_at: null, lines: [{ lecture_id: talk }] });
  const first = await order(till, one);
  expect(first).status(201);
  expect(await rsvp(talk, till.person)).is({ state: 'offered', seat_number: 1 });
  expect(await order(till, two)).problem('order_waits', 409);
  expect(await order(bob, his)).problem('lecture_full', 409);
  expect(await ask(bob)).problem('lecture_full', 409);
  // Not paid: the seat is free again.
  await sql`UPDATE orders SET expires_at = now() - interval '1 s' WHERE id = ${first.id}`;
  await eventually(async () => (await till.read(first)).status === 'expired');
  expect(await rsvp(talk, till.person)).is({ state: 'cancelled', seat_number: null });
  const second = await order(bob, his);
  expect(second).status(201);
  expect(await bob.api.post(`/v1/orders/${second.id}/cancel`)).status(200);
  const third = await order(till, two);
  await till.pay(third.body);
  expect(await rsvp(talk, till.person)).is({ state: 'confirmed', seat_number: 1 });
  expect(await ask()).problem('nothing_to_add', 409);
  expect(await ask(bob)).problem('lecture_full', 409);
});

story('Tickets are for lectures that are to come', async (stage) => {
  const { sql } = stage;
  const { sold, till, lecture } = await open(stage);
  const plan = await sold('ticket');
  const ask = (id) => till.quote({ kind: 'ticket', plan_id: plan.id, lecture_id: id });
  expect(await ask(uuid7())).fault('/lecture_id', 'unknown');
  expect(await ask(await lecture(9, 600, { status: 'draft' }))).fault('/lecture_id', 'unknown');
  expect(await ask(await lecture(9, -1))).problem('too_late', 409);
  const off = await lecture(9);
  await sql`
    UPDATE lecture SET status = 'cancelled', cancelled_at = now(), cancel_reason = 'x'
    WHERE id = ${off}`;
  expect(await ask(off)).problem('state_forbids', 409);
  expect(await ask(undefined)).fault('/lecture_id', 'required');
  expect(await ask(await lecture(null))).status(201);
});

story('Sixty-four race for the last seat: one order, and one seat', async (stage) => {
  const { sql, people } = stage;
  const { sold, till, lecture } = await open(stage);
  const plan = await sold('ticket');
  const talk = await lecture(1);
  const tills = (await people.members(64)).map((one) => till.for(one));
  const quotes = await Promise.all(
    tills.map((one) => one.quote({ kind: 'ticket', plan_id: plan.id, lecture_id: talk })),
  );
  const replies = await race(64, (i) => order(tills[i], quotes[i]));
  expect(replies.filter((r) => r.status === 201).length).is(1);
  for (const r of replies) {
    if (r.status !== 201) expect(['lecture_full', 'busy'].includes(r.body.code)).isTrue(r.text);
  }
  const [{ seats, orders }] = await sql`
    SELECT (SELECT count(*) FROM seat WHERE lecture_id = ${talk} AND member_id IS NOT NULL) AS seats,
      (SELECT count(*) FROM order_line WHERE lecture_id = ${talk}) AS orders`;
  expect([seats, orders]).is([1, 1]);
});

story('A tip names its lecturer and its amount, a gift to the house its amount', async (stage) => {
  const { people, sql, community } = stage;
  const { sold, till } = await open(stage);
  const { lecturer } = await people.lecturer();
  const plan = await sold('donation', { open_amount: true, price_minor: 100 });
  const tip = (more) =>
    till.quote({
      kind: 'tip',
      plan_id: plan.id,
      lecturer_id: lecturer,
      amount_minor: 888,
      ...more,
    });
  expect(await tip({ lecturer_id: uuid7() })).fault('/lecturer_id', 'unknown');
  expect(await tip({ amount_minor: 99 })).fault('/amount_minor', 'too_little');
  expect(await tip({ amount_minor: undefined })).body({ total_minor: 100 });
  const quote = await tip({ note: 'Thank you' });
  expect(quote)
    .status(201)
    .body({
      total_minor: 888,
      starts_at: null,
      lines: [{ lecturer_id: lecturer, note: 'Thank you' }],
    });
  const made = await order(till, quote);
  expect((await till.pay(made.body)).status).is('paid');
  expect(await till.api.get('/v1/me/membership')).body({ active: false });
  const given = await till.order({ plan_id: plan.id, amount_minor: 100000 });
  expect(given).matches({ kind: 'purchase', total_minor: 100000 });
  expect(await receive(sql, community, given)).matches({ settled: true });
  const [{ n }] =
    await sql`SELECT count(*) AS n FROM entitlement WHERE member_id = ${till.person.id}`;
  expect(n).is(0);
  const told = (await till.api.get('/v1/me/orders', { query: { kind: 'tip' } })).body.data;
  expect(told).matches([{ id: made.id, status: 'paid' }]);
});

story('Nobody pays for a seat at a lecture that is cancelled or has begun', async (stage) => {
  const { sql, api, people } = stage;
  const { operator, sold, till, lecture } = await open(stage);
  const plan = await sold('ticket', { price_minor: 5000 });
  const buy = async (who, talk) =>
    who.order({ kind: 'ticket', plan_id: plan.id, lecture_id: talk });
  const talk = await lecture(5);
  const [bob, cat] = (await people.members(2)).map((who) => till.for(who));
  const waiting = await buy(till, talk);
  const kept = await bob.buy({ kind: 'ticket', plan_id: plan.id, lecture_id: talk });
  const reason = { reason: 'The lecturer is ill' };
  expect(await api.as(operator).post(`/v1/lectures/${talk}/cancel`, reason)).status(200);
  expect(await till.read(waiting)).matches({ status: 'cancelled' });
  expect(await bob.read(kept)).matches({ status: 'paid' });
  // What comes nevertheless goes back.
  expect(await receive(sql, stage.community, waiting)).matches({ outcome: 'surplus' });

  await openTill(stage);
  // An order waits half an hour, and not beyond the lecture's beginning.
  const soon = await lecture(5, 10);
  const late = await buy(cat, soon);
  const [begins] = await sql`SELECT lower(during) AS at FROM lecture WHERE id = ${soon}`;
  expect(Date.parse(late.expires_at)).is(begins.at.getTime());
  await sql`UPDATE orders SET expires_at = now() + interval '1 hour' WHERE id = ${late.id}`;
  await sql`
    UPDATE lecture SET start_at = now() - interval '1 minute',
      start_wall = (now() - interval '1 minute') AT TIME ZONE tz WHERE id = ${soon}`;
  const way = { provider: 'hand', method: 'transfer' };
  expect(await cat.api.post(`/v1/orders/${late.id}/attempts`, way)).problem('state_forbids', 409);
});
