// Pauses, payments, codes and ends that meet, month ends, leap days and clock changes: after each,
// the time that somebody has is what was paid and given, no second less or more.
import { expect, patiently, race, story, uuid7 } from './lib/story.mjs';
import { inDays, Life } from './lib/life.mjs';

export const server = { env: { LYCEUM_PACE_SCALE: '1000' } };

const GOOD = [200, 409, 503];
const HOUR = 3_600e6;

story('Sixty-four pauses and returns at once leave every second where it belongs', async (stage) => {
  const life = await Life.open(stage);
  const ann = await life.joined(await life.plan());
  const { person, me, path } = ann;
  await life.pass(person, '3 days');
  const whole = await life.time(person);
  const replies = await race(64, (i) =>
    patiently(() =>
      i % 2
        ? me.post(`${path}/pause`, { resume_at: inDays(1 + (i % 30)) })
        : me.post(`${path}/resume`),
    ),
  );
  for (const { status } of replies) expect(GOOD.includes(status)).isTrue(`${status}`);
  const made = (i) => replies.filter(({ status }, n) => status === 200 && n % 2 === i).length;
  expect(made(1)).atLeast(1);
  expect(made(1) - made(0)).atLeast(0).atMost(1);
  expect(await life.time(person)).is(whole);
  const resting = made(1) > made(0);
  expect((await ann.now()).status).is(resting ? 'paused' : 'active');
  if (resting) expect(await me.post(`${path}/resume`)).status(200);
  expect(await life.time(person)).is(whole);
  expect((await ann.now()).status).is('active');
});

story('A pause that races the end either keeps what is left, or comes too late', async (stage) => {
  const life = await Life.open(stage);
  const plan = await life.plan();
  const all = await Promise.all(Array.from({ length: 16 }, () => life.joined(plan)));
  const outcomes = new Set();
  for (const [i, one] of all.entries()) {
    await life.sql`
      UPDATE membership SET auto_renew = false WHERE id = ${one.membership.id}`;
    // Ends some milliseconds before or after the pauses come, or seconds where all is slow.
    await life.sql`
      UPDATE entitlement SET span = tstzrange(lower(span) - interval '30 days',
        clock_timestamp() + make_interval(secs => ${(i < 12 ? i - 6 : 6 * (i - 10) ** 3) / 100}))
      WHERE member_id = ${one.person.id}`;
    const whole = await life.time(one.person);
    const [replies] = await Promise.all([
      race(4, () => patiently(() => one.me.post(`${one.path}/pause`, { resume_at: inDays(2) }))),
      i % 4 ? null : life.walk(4),
    ]);
    const made = replies.filter(({ status }) => status === 200).length;
    expect(made).atMost(1);
    outcomes.add(made);
    expect(await life.time(one.person)).is(whole);
    const { status, ended_at: ended } = await one.now();
    expect(made ? 'paused' : 'expired').is(status);
    if (made) expect(ended).is(null);
  }
  expect([...outcomes].sort()).is([0, 1]);
});

story('Payments of a renewal that race pauses and codes: one counts, and nothing is lost', async (
  stage,
) => {
  const life = await Life.open(stage);
  const plan = await life.plan();
  const ann = await life.joined(plan);
  const { person, me, path } = ann;
  await life.pass(person, '25 days');
  await life.walk();
  const { renewal, product_id: product } = await ann.now();
  const codes = await race(4, () => life.shop.code({ plan, days: 10 }));
  const before = await life.time(person);
  const c = life.community.id;
  const pay = () => [
    `SELECT * FROM payment_record($1, $2, $3, 'test', $4, 3000, 'CNY', now(), 0, NULL, NULL, NULL)`,
    [c, renewal.order_id, uuid7(), uuid7()],
  ];
  const tend = () => ['SELECT life_tend($1, $2, $3)', [c, person.id, product]];
  const [paid, changes, redeemed] = await Promise.all([
    life.crowd(64, (i) => (i % 2 ? pay() : tend())),
    race(32, (i) =>
      patiently(() =>
        i % 2
          ? me.post(`${path}/pause`, { resume_at: inDays(1 + i) })
          : me.post(`${path}/resume`),
      ),
    ),
    race(4, (i) => patiently(() => me.post('/v1/redemptions', { code: codes[i].code }))),
  ]);
  const [{ counted, surplus, settled }] = await life.sql`
    SELECT count(*) FILTER (WHERE NOT surplus)::int AS counted,
      count(*) FILTER (WHERE surplus)::int AS surplus,
      count(DISTINCT o.settled_at)::int AS settled
    FROM payment p JOIN orders o ON o.id = p.order_id WHERE o.id = ${renewal.order_id}`;
  const failed = paid.filter((one) => one instanceof Error);
  for (const { code } of failed) expect(['40P01', '55P03'].includes(code)).isTrue(code);
  expect([counted, settled]).is([1, 1]);
  expect(surplus + failed.length).atLeast(20);
  for (const { status } of changes) expect(GOOD.includes(status)).isTrue(`${status}`);
  const given = redeemed.filter(({ status }) => status === 201).length;
  const [{ period }] = await life.sql`
    SELECT (extract(epoch FROM upper(span) - lower(span)) * 1000000)::bigint AS period
    FROM entitlement e JOIN order_line l ON l.id = e.order_line_id
    WHERE l.order_id = ${renewal.order_id} AND e.voided_at IS NULL`;
  const parts = await life.time(person);
  // A span that was cut by a pause goes on in its own row: the renewal's may be one of those.
  const [{ tree }] = await life.sql`
    SELECT sum(extract(epoch FROM upper(e.span) - lower(e.span)) * 1000000)::bigint AS tree
    FROM order_line l CROSS JOIN LATERAL spans_of_line(${c}, l.id) s
    JOIN entitlement e ON e.id = s.id WHERE l.order_id = ${renewal.order_id}`;
  expect(period <= tree).isTrue('no part is longer than the whole');
  expect(parts - before).is(tree + given * 240 * HOUR);
  expect(tree).atLeast(28 * 24 * HOUR).atMost(31 * 24 * HOUR);
});

story('Everything that ends a membership at once ends it once', async (stage) => {
  const life = await Life.open(stage);
  const ann = await life.joined(await life.plan());
  const replies = await race(64, (i) =>
    patiently(() =>
      i % 2
        ? ann.me.post(`${ann.path}/cancel`, { now: true })
        : life.console.post(`${ann.theirs}/cancel`, { now: true, reason: 'Asked by phone' }),
    ),
  );
  expect(replies.filter(({ status }) => status === 200).length).is(1);
  await life.walk();
  expect(await life.topics(ann.person, 'membership.ended')).is(['membership.ended']);
});

/** Buys at a moment, renews `times` times at each end, and answers all ends. */
async function ends(life, plan, at, times) {
  const person = await life.people.member({ signIn: false });
  let paid = await life.order(person, plan, { at });
  await life.pay(paid, { at });
  const { product_id: product } = plan;
  const [{ id }] = await life.sql`SELECT id FROM membership WHERE member_id = ${person.id}`;
  for (let i = 0; i < times; i++) {
    const [{ ends_at }] = await life.sql`
      SELECT last_end(${life.community.id}, ${person.id}, ${product}) AS ends_at`;
    const now = new Date(ends_at - 86_400_000);
    paid = await life.order(person, plan, { kind: 'renewal', membership_id: id, at: now });
    await life.sql`UPDATE orders SET membership_id = ${id} WHERE id = ${paid.id}`;
    await life.pay(paid, { at: now });
  }
  const spans = await life.sql`
    SELECT lower(span) AS starts, upper(span) AS ends FROM entitlement
    WHERE member_id = ${person.id} ORDER BY lower(span)`;
  for (let i = 1; i < spans.length; i++) expect(spans[i].starts).is(spans[i - 1].ends);
  return spans.map(({ ends: end }) => end.toISOString().slice(0, 16));
}

story('A short month moves no day for good, nor does a year without its leap day', async (stage) => {
  const life = await Life.open(stage);
  await life.rest();
  const month = await life.plan();
  const year = await life.plan({ period_unit: 'year' });
  const quarter = await life.plan({ period_count: 3 });
  expect(await ends(life, month, new Date('2026-01-31T10:00Z'), 4)).is([
    '2026-02-28T10:00',
    '2026-03-31T10:00',
    '2026-04-30T10:00',
    '2026-05-31T10:00',
    '2026-06-30T10:00',
  ]);
  expect(await ends(life, month, new Date('2028-01-30T23:59Z'), 2)).is([
    '2028-02-29T23:59',
    '2028-03-30T23:59',
    '2028-04-30T23:59',
  ]);
  expect(await ends(life, year, new Date('2028-02-29T00:00Z'), 4)).is([
    '2029-02-28T00:00',
    '2030-02-28T00:00',
    '2031-02-28T00:00',
    '2032-02-29T00:00',
    '2033-02-28T00:00',
  ]);
  expect(await ends(life, quarter, new Date('2026-11-30T00:00Z'), 1)).is([
    '2027-02-28T00:00',
    '2027-05-30T00:00',
  ]);
});

story('Clocks that change under a database in another zone change no span', async (stage) => {
  const life = await Life.open(stage);
  await life.rest();
  const plan = await life.plan();
  const [{ zone }] = await life.sql`SELECT current_setting('timezone') AS zone`;
  for (const other of ['America/New_York', 'Asia/Shanghai', 'Pacific/Apia']) {
    const ann = await life.joined(plan);
    const c = life.community.id;
    const session = await stage.session();
    await session.query(`SET timezone = '${other}'`);
    // Midnight there, across both changes of the clock.
    await session.query(
      `UPDATE entitlement SET span = tstzrange('2026-03-01 00:00', '2026-12-01 00:00')
       WHERE member_id = $1`,
      [ann.person.id],
    );
    const whole = await life.time(ann.person);
    const pause = 'SELECT membership_pause($1, $2, $3, $4)';
    const resume = 'SELECT membership_resume($1, $2, $3)';
    const id = ann.membership.id;
    await session.query(pause, [c, id, '2026-03-05 00:00', '2026-06-01 00:00']);
    expect(await life.time(ann.person)).is(whole);
    await session.query(resume, [c, id, '2026-03-20 00:00']);
    expect(await life.time(ann.person)).is(whole);
    await session.query(pause, [c, id, '2026-10-30 00:00', '2026-11-20 00:00']);
    await session.query(resume, [c, id, '2026-11-03 00:00']);
    expect(await life.time(ann.person)).is(whole);
    await session.end();
  }
  expect(zone).is((await life.sql`SELECT current_setting('timezone') AS zone`)[0].zone);
});
