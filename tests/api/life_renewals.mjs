// Memberships that go on by themselves: the renewal's order, its notice, the dunning ladder, and the
// end, each told once. Time passes by moving a member's rows; the server's own sweep does the rest.
import { expect, story, uuid7 } from './lib/story.mjs';
import { Life, inDays } from './lib/life.mjs';

story('A renewal opens, is announced and paid, and the next period follows without a gap', async (
  stage,
) => {
  const life = await Life.open(stage);
  const plan = await life.plan();
  const { person, now } = await life.joined(plan);
  const first = await now();
  expect(first).matches({ status: 'active', auto_renew: true, renewal: null, banked_days: 0 });
  await life.walk();
  expect((await now()).renewal).is(null, 'two weeks before the end is soon enough');

  await life.pass(person, '20 days');
  await life.walk();
  const opened = await now();
  expect(opened.renewal).matches({ due_at: opened.ends_at, total_minor: 3000, currency: 'CNY' });
  expect(opened.renewal.starts_at).is(opened.ends_at);
  expect(opened.renewal.expires_at).is(inDays(15, opened.ends_at));
  expect(await life.topics(person, 'renewal.')).is([]);

  await life.pass(person, '6 days');
  await life.walk();
  await life.walk();
  const [told, ...rest] = await life.told(person, 'renewal.');
  expect(rest).is([]);
  expect(told).matches({
    topic: 'renewal.announced',
    payload: { order_id: opened.renewal.order_id, total_minor: 3000, currency: 'CNY' },
  });
  const before = await now();
  expect((await life.pay(before.renewal)).settled).is(true);
  const renewed = await now();
  expect(renewed).matches({ status: 'active', renewal: null, ends_at: before.renewal.ends_at });
  expect(renewed.spans[1].starts_at).is(before.ends_at);
  await life.walk();
  expect((await now()).renewal).is(null, 'one period ahead is enough');
  expect(await life.topics(person, 'membership.')).is([]);
});

story('Who does not pay is reminded on the days of the ladder, and then it ends', async (stage) => {
  const life = await Life.open(stage);
  const plan = await life.plan({ grace_days: 5 });
  const { person, now, me } = await life.joined(plan);
  const [{ days }] = await life.sql`
    SELECT ceil(extract(epoch FROM upper(span) - lower(span)) / 86400)::int AS days
    FROM entitlement WHERE member_id = ${person.id}`;
  await life.pass(person, `${days - 10} days`);
  await life.walk();
  const { order_id: order } = (await now()).renewal;
  const steps = async () =>
    (await life.told(person, 'renewal.reminded')).map(({ payload }) => payload.step);
  await life.pass(person, '9 days 23 hours');
  await life.walk();
  expect(await steps()).is([]);
  await life.pass(person, '2 hours');
  await life.walk();
  await life.walk();
  expect(await steps()).is([1]);
  expect(await now()).matches({ status: 'grace' });
  await life.pass(person, '3 days');
  await life.walk();
  expect(await steps()).is([1, 2]);
  await life.pass(person, '3 days');
  await life.walk();
  expect(await steps()).is([1, 2]);
  expect(await now()).matches({ status: 'past_due', until: null });
  expect((await me.get('/v1/me/membership')).body).matches({ active: false, status: 'past_due' });
  // The server rests for a while: what was missed is told of once, by its last step.
  await life.pass(person, '8 days');
  await life.walk();
  expect(await steps()).is([1, 2, 4]);
  expect(await life.topics(person, 'membership.')).is([]);
  await life.pass(person, '1 day');
  await life.walk();
  await life.walk();
  expect(await steps()).is([1, 2, 4]);
  const [ended, ...rest] = await life.told(person, 'membership.');
  expect(rest).is([]);
  expect(ended).matches({ topic: 'membership.ended', payload: { why: 'unpaid' } });
  expect(await now()).matches({ status: 'expired', auto_renew: false, renewal: null });
  const [{ status }] = await life.sql`SELECT status FROM orders WHERE id = ${order}`;
  expect(status).is('expired');
  // Too late: the money is not kept.
  expect(await life.pay({ id: order })).matches({ outcome: 'surplus' });
  await life.walk();
  expect((await now()).renewal).is(null);
});

story('A plan that was chosen for later, a lasting discount and the old price are kept', async (
  stage,
) => {
  const life = await Life.open(stage);
  const product = await life.shop.product();
  const plan = await life.plan({ product, slug: 'gold' });
  const less = await life.plan({ product, slug: 'silver', price_minor: 1000 });
  const ann = await life.joined(plan);
  const bob = await life.joined(plan);
  const code = await life.shop.code({ plan, effect: 'discount', percent: 10 });
  await life.sql`
    UPDATE membership SET code_id = ${code.id} WHERE id = ${bob.membership.id}`;
  // New terms are a new version: who has the former keeps its price.
  await life.plan({ product, slug: 'gold', price_minor: 9000 });
  expect(await ann.me.patch(ann.path, { next_plan_id: less.id })).status(200);
  for (const { person } of [ann, bob]) await life.pass(person, '25 days');
  await life.walk();
  expect((await ann.now()).renewal).matches({ plan_id: less.id, total_minor: 1000 });
  expect((await bob.now()).renewal).matches({ plan_id: plan.id, total_minor: 2700 });
  for (const { person } of [ann, bob]) {
    expect(await life.pay(await life.renewal(person))).matches({ settled: true });
    await life.pass(person, '30 days');
  }
  await life.walk();
  expect(await ann.now()).matches({ plan_id: less.id, next_plan_id: null });
  expect((await ann.now()).renewal).matches({ plan_id: less.id, total_minor: 1000 });
  expect((await bob.now()).renewal).matches({ plan_id: plan.id, total_minor: 2700 });
});

story('A trial ends in its first paid period, at the full price', async (stage) => {
  const life = await Life.open(stage);
  const plan = await life.plan({ trial_days: 10 });
  const { person, now } = await life.joined(plan);
  expect(await now()).matches({ status: 'trialing', auto_renew: true, ends_at: /Z$/ });
  await life.walk();
  const trial = await now();
  expect(trial.renewal).matches({ total_minor: 3000, due_at: trial.ends_at });
  await life.pass(person, '6 days');
  await life.walk();
  expect(await life.topics(person, 'renewal.')).is(['renewal.announced']);
  const { renewal } = await now();
  expect(await life.pay(renewal)).matches({ settled: true });
  await life.pass(person, '5 days');
  expect(await now()).matches({ status: 'active', spans: [{ source: 'order' }] });
});

story('Nothing is opened, announced or ended for who paused, gave notice or disputes', async (
  stage,
) => {
  const life = await Life.open(stage);
  const plan = await life.plan();
  const [paused, cancelled, disputed, banned] = [
    await life.joined(plan),
    await life.joined(plan),
    await life.joined(plan),
    await life.joined(plan),
  ];
  expect(await paused.me.post(`${paused.path}/pause`, { resume_at: inDays(40) })).status(200);
  expect(await cancelled.me.post(`${cancelled.path}/cancel`, {})).status(200);
  const [payment] = await life.sql`
    SELECT p.* FROM payment p JOIN orders o ON o.id = p.order_id
    WHERE o.member_id = ${disputed.person.id}`;
  await life.sql`
    SELECT dispute_open(${life.community.id}, ${uuid7()}, ${payment.id}, 'd-1', 3000, 'fraud',
                        now())`;
  await life.sql`
    UPDATE member SET state = 'banned', state_reason = 'x', state_by = id
    WHERE id = ${banned.person.id}`;
  for (const { person } of [cancelled, banned]) await life.pass(person, '26 days');
  for (const { person } of [paused, disputed]) await life.pass(person, '35 days');
  await life.walk();
  for (const { person } of [paused, cancelled, disputed, banned]) {
    expect(await life.topics(person, 'renewal.')).is([]);
    expect(await life.renewal(person)).is(undefined);
  }
  expect(await life.topics(paused.person, 'membership.')).is(['membership.paused']);
  expect(await life.topics(disputed.person, 'membership.')).is([]);
  expect(await life.topics(cancelled.person, 'membership.')).is([
    'membership.cancelled',
    'membership.ending',
  ]);
  await life.pass(cancelled.person, '6 days');
  await life.walk();
  await life.walk();
  const [ended] = await life.told(cancelled.person, 'membership.ended');
  expect(ended.payload).matches({ why: 'cancelled' });
  expect((await life.topics(cancelled.person, 'membership.')).length).is(3);
  expect(await cancelled.now()).matches({ status: 'expired', ended_at: /Z$/ });
  // The pause is over: what was put aside runs, and only near its end the renewal opens.
  await life.pass(paused.person, '6 days');
  await life.walk();
  expect(await life.renewal(paused.person)).is(undefined);
  await life.pass(paused.person, '20 days');
  await life.walk();
  expect(await life.renewal(paused.person)).matches({ status: 'pending' });
  // The dispute is won: what was left comes back, and goes on.
  await life.sql`
    SELECT dispute_end(${life.community.id}, ${payment.id}, 'd-1', true, now())`;
  await life.walk();
  expect(await disputed.now()).matches({ status: 'active', ended_at: null });
});

story('An end that no renewal follows is told before and at it, once each, whatever it came of', async (
  stage,
) => {
  const life = await Life.open(stage);
  const once = await life.plan({ renews: false });
  const code = await life.shop.code({ plan: await life.plan(), days: 30 });
  const ann = await stage.people.member();
  const bob = await stage.people.member();
  expect(await stage.api.as(ann).post('/v1/redemptions', { code: code.code })).status(201);
  await life.pay(await life.order(bob, once));
  const told = (who) => life.topics(who, 'membership.');
  await life.walk();
  for (const who of [ann, bob]) expect(await told(who)).is([]);
  for (const who of [ann, bob]) await life.pass(who, '26 days');
  await life.walk();
  await life.walk();
  for (const who of [ann, bob]) expect(await told(who)).is(['membership.ending']);
  // Another code: the end that was told of is not the end any more.
  const more = await life.shop.code({ plan: { id: code.plan_id }, days: 30 });
  expect(await stage.api.as(ann).post('/v1/redemptions', { code: more.code })).status(201);
  for (const who of [ann, bob]) await life.pass(who, '5 days');
  await life.walk();
  await life.walk();
  expect(await told(ann)).is(['membership.ending']);
  expect(await told(bob)).is(['membership.ending', 'membership.ended']);
  await life.pass(ann, '26 days');
  await life.walk();
  await life.pass(ann, '4 days');
  await life.walk();
  expect(await told(ann)).is(['membership.ending', 'membership.ending', 'membership.ended']);
  // A short time is not told of the moment it begins; a long past end not at all.
  const short = await life.shop.code({ plan: await life.plan(), days: 4 });
  const [cat, dan] = [await stage.people.member(), await stage.people.member()];
  for (const who of [cat, dan]) {
    const mine = who === cat ? short : await life.shop.code({ plan: { id: short.plan_id }, days: 4 });
    expect(await stage.api.as(who).post('/v1/redemptions', { code: mine.code })).status(201);
  }
  await life.pass(cat, '1 day');
  await life.pass(dan, '60 days');
  await life.walk();
  for (const who of [cat, dan]) expect(await told(who)).is([]);
  await life.pass(cat, '2 days');
  await life.walk();
  expect(await told(cat)).is(['membership.ending']);
});

story('A code that comes while a renewal waits moves it; calling it off is remembered', async (
  stage,
) => {
  const life = await Life.open(stage);
  const plan = await life.plan();
  const { person, me, now, path } = await life.joined(plan);
  await life.pass(person, '26 days'); // of 28 to 31
  await life.walk();
  const { renewal } = await now();
  expect(await life.topics(person, 'renewal.')).is(['renewal.announced']);
  const code = await life.shop.code({ plan, days: 30 });
  expect(await me.post('/v1/redemptions', { code: code.code })).status(201);
  await life.walk();
  const moved = await now();
  expect(moved.renewal).matches({ order_id: renewal.order_id, due_at: inDays(30, renewal.due_at) });
  await life.pass(person, '5 days');
  await life.walk();
  expect(await life.topics(person, 'renewal.')).is(['renewal.announced']);
  // Whoever cancels the order itself wants none: no other is opened for this end.
  await life.sql`SELECT order_close(${life.community.id}, ${renewal.order_id}, 'cancelled')`;
  await life.pass(person, '26 days');
  await life.walk();
  expect((await now()).renewal).is(null);
  expect(await life.topics(person, 'membership.')).is(['membership.ending']);
  // Unless they think better of it.
  const again = await me.patch(path, { auto_renew: true });
  expect(again).status(200);
  expect(again.body.after.renewal).matches({ total_minor: 3000, due_at: again.body.after.ends_at });
});

story('A refund of everything ends the renewal and the membership with it', async (stage) => {
  const life = await Life.open(stage);
  const plan = await life.plan();
  const { person, now } = await life.joined(plan);
  await life.pass(person, '20 days');
  await life.walk();
  expect((await now()).renewal).matches({ total_minor: 3000 });
  const [payment] = await life.sql`
    SELECT p.* FROM payment p JOIN orders o ON o.id = p.order_id
    WHERE o.member_id = ${person.id}`;
  await life.sql`
    SELECT refund_record(${life.community.id}, ${uuid7()}, ${payment.id}, 'back', 3000, 'Unhappy',
                         NULL, now(), false, NULL)`;
  await life.walk();
  expect(await now()).matches({ renewal: null, ended_at: /Z$/, spans: [] });
  expect(await life.topics(person, 'membership.')).is(['membership.ended']);
});

story('Sixty-four walks at once open one renewal, and settle one that costs nothing', async (
  stage,
) => {
  const life = await Life.open(stage);
  const plan = await life.plan();
  const { person, membership, now } = await life.joined(plan);
  const other = await life.plan();
  const free = await life.joined(other);
  const code = await life.shop.code({
    plan: other,
    effect: 'discount',
    percent: 100,
    forever: true,
  });
  await life.sql`UPDATE membership SET code_id = ${code.id} WHERE id = ${free.membership.id}`;
  for (const one of [person, free.person]) await life.pass(one, '20 days');
  const before = await life.time(free.person);
  const tend = (who, { product_id: product }) => [
    'SELECT life_tend($1, $2, $3) AS did',
    [life.community.id, who.id, product],
  ];
  await life.crowd(64, (i) =>
    i % 2 ? tend(person, membership) : tend(free.person, free.membership),
  );
  await life.walk();
  const [{ opened, settled }] = await life.sql`
    SELECT count(*) FILTER (WHERE member_id = ${person.id})::int AS opened,
      count(settled_at)::int AS settled
    FROM orders WHERE community_id = ${life.community.id} AND kind = 'renewal'`;
  expect([opened, settled]).is([1, 1]);
  expect((await now()).renewal).matches({ total_minor: 3000 });
  const given = (await life.time(free.person)) - before;
  expect(given).atLeast(28 * 86_400e6).atMost(31 * 86_400e6);
});

story('An upgrade or another purchase takes the place of the renewal that waited', async (stage) => {
  const life = await Life.open(stage);
  const product = await life.shop.product();
  const plan = await life.plan({ product });
  const more = await life.plan({ product, price_minor: 9000 });
  const [ann, bob] = [await life.joined(plan), await life.joined(plan)];
  for (const { person } of [ann, bob]) await life.pass(person, '25 days');
  await life.walk();
  const old = await ann.now();
  const upgrade = await life.order(ann.person, more, { kind: 'upgrade' });
  expect(await life.pay(upgrade)).matches({ settled: true });
  expect(await ann.now()).matches({ plan_id: more.id, renewal: null });
  expect(await life.pay(old.renewal)).matches({ outcome: 'surplus' });
  // A plan that is bought lies behind what there is; its renewal is its own.
  await life.pay(await life.order(bob.person, more));
  await life.walk();
  const bought = await bob.now();
  expect(bought).matches({ plan_id: more.id, renewal: null });
  await life.pass(bob.person, '25 days');
  await life.walk();
  expect((await bob.now()).renewal).matches({
    plan_id: more.id,
    total_minor: 9000,
    due_at: (await bob.now()).ends_at,
  });
});

story('A dispute that was lost ends what it was about, and asks for no more money', async (stage) => {
  const life = await Life.open(stage);
  const ann = await life.joined(await life.plan());
  await life.pass(ann.person, '20 days');
  const [payment] = await life.sql`
    SELECT p.* FROM payment p JOIN orders o ON o.id = p.order_id
    WHERE o.member_id = ${ann.person.id}`;
  const c = life.community.id;
  await life.sql`SELECT dispute_open(${c}, ${uuid7()}, ${payment.id}, 'd', 3000, 'x', now())`;
  await life.walk();
  expect(await ann.now()).matches({ renewal: null, ended_at: null });
  await life.sql`SELECT dispute_end(${c}, ${payment.id}, 'd', false, now())`;
  await life.walk();
  expect(await ann.now()).matches({ renewal: null, ended_at: /Z$/, auto_renew: false });
  expect(await life.topics(ann.person, 'renewal.')).is([]);
});

story('What is left of a period behind other days is renewed in time, however short', async (
  stage,
) => {
  const life = await Life.open(stage);
  const { person, now } = await life.joined(await life.plan());
  await life.pass(person, '18 days');
  // Its last seven days go behind ten that somebody gave.
  await life.sql`
    SELECT span_split(community_id, member_id, id, upper(span) - interval '7 days'),
      spans_shift(community_id, member_id, product_id, upper(span) - interval '7 days',
                  interval '10 days')
    FROM entitlement WHERE member_id = ${person.id}`;
  await life.sql`
    INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
                             granted_by, reason)
    SELECT community_id, member_id, uuid7(), product_id, plan_id,
      tstzrange(upper(span), upper(span) + interval '10 days'), 'comp', ${life.operator.id}, 'Thanks'
    FROM entitlement WHERE member_id = ${person.id} AND source = 'order'`;
  await life.pass(person, '10 days');
  await life.walk();
  const { ends_at, renewal } = await now();
  expect(Date.parse(ends_at)).atLeast(Date.now() + 9 * 86_400_000);
  expect(renewal).matches({ due_at: ends_at });
});
