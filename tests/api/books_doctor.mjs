// `lyceum doctor --books`: the books add up, and each way in which they may not is found.
import { expect, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { CashBox } from './lib/cashbox.mjs';

async function open(stage) {
  const { people, api } = stage;
  const operator = await people.operator();
  const shop = new Shop(api, operator);
  const till = new CashBox(stage, operator);
  const look = async () => {
    const { code, json, out, err } = await stage.lyceum('doctor --books --json').done;
    if (!json?.checks) throw new Error(`doctor --books: ${out}${err}`);
    const mine = json.checks.filter((one) => one.community === stage.community.slug);
    return { code, ok: json.ok, mine, bad: mine.filter(({ finding }) => finding === 'bad') };
  };
  return { ...stage, operator, shop, till, look };
}

/** One of everything: bought, renewed for, given away, shared, refunded, discounted, surplus. */
async function trade({ people, shop, till, sql, community, api }) {
  const [ann, bob, cat] = [
    await people.member({ name: 'Ann' }),
    await people.member({ name: 'Bob' }),
    await people.member({ name: 'Cat' }),
  ];
  const month = { period_unit: 'month', price_minor: 3000, renews: true };
  const plan = await shop.plan({ ...month, trial_days: 0 });
  const seats = await shop.plan({ seats: 3 });
  const code = await shop.code({ plan, effect: 'discount', percent: 50, max_uses: 5 });
  const [{ digest }] = await sql`SELECT digest FROM invite_code WHERE id = ${code.id}`;
  const first = await till.sell(ann, { kind: 'purchase', plan_id: plan.id }, { fee: 30 });
  const half = await till.sell(bob, { kind: 'purchase', plan_id: plan.id }, { code: digest });
  const gift = await till.sell(ann, { kind: 'gift', plan_id: plan.id, quantity: 2 });
  const [{ id }] = await sql`SELECT id FROM gift WHERE order_line_id = ${gift.line} LIMIT 1`;
  await sql`SELECT * FROM gift_claim(${community.id}, ${id}, ${cat.id}, now())`;
  const group = await till.sell(ann, { kind: 'seats', plan_id: seats.id });
  await sql`SELECT seat_assign(${community.id}, ${group.line}, 1, ${bob.id}, now())`;
  const extra = await till.pay(first, { ref: 'twice' });
  expect(extra.outcome).is('surplus');
  expect(await till.refund(half, 500)).is('counted');
  await api.as(cat).post('/v1/redemptions', { code: (await shop.code({ plan })).code });
  return { ann, bob, cat, plan, code, first, half, gift, group, extra };
}

story('The books of a lively community add up', async (stage) => {
  const house = await open(stage);
  await trade(house);
  const { bad, mine } = await house.look();
  expect(bad).is([]);
  expect(mine.map(({ check }) => check)).is([
    'orders',
    'refunds',
    'ledger',
    'given',
    'roots',
    'overlaps',
    'receipts',
    'codes',
  ]);
  const said = await stage.lyceum('doctor --books').done;
  expect(said.code).is(0);
  expect(said.out).matches(/^ok .* receipts +numbered without a gap/m);
});

story('After upgrades, pauses, disputes and refunds in part they still do', async (stage) => {
  const house = await open(stage);
  const { people, shop, till, sql, community } = house;
  const [ann, bob] = [await people.member(), await people.member()];
  const month = { period_unit: 'month', price_minor: 3000, renews: true };
  const plan = await shop.plan(month);
  const product = { id: plan.product_id };
  const best = await shop.plan({ product, ...month, price_minor: 9000 });
  const trial = await shop.plan({ ...month, trial_days: 7 });
  const [c, now] = [community.id, new Date()];
  await till.sell(ann, { kind: 'purchase', plan_id: plan.id });
  const up = await till.sell(ann, { kind: 'upgrade', plan_id: best.id });
  await till.sell(ann, { kind: 'purchase', plan_id: trial.id });
  const [{ id }] = await sql`
    SELECT id FROM membership WHERE member_id = ${ann.id} AND plan_id = ${best.id}`;
  await sql`SELECT membership_pause(${c}, ${id}, now(), now() + interval '9 days')`;
  await sql`SELECT membership_resume(${c}, ${id}, now() + interval '2 days')`;
  expect(await till.refund(up, 1000)).is('counted');
  const bought = await till.sell(bob, { kind: 'purchase', plan_id: plan.id });
  const lost = await till.sell(bob, { kind: 'renewal', membership_id: await standing(sql, bob) });
  for (const [{ payment }, won] of [[bought, true], [lost, false]]) {
    await sql`SELECT dispute_open(${c}, ${uuid7()}, ${payment}, 'D', 3000, 'fraud', ${now})`;
    expect((await house.look()).bad).is([]);
    await sql`SELECT dispute_end(${c}, ${payment}, 'D', ${won}, ${now})`;
  }
  expect((await house.look()).bad).is([]);
});

async function standing(sql, { id }) {
  const [found] = await sql`SELECT id FROM membership WHERE member_id = ${id}`;
  return found.id;
}

/** Breaks something, expects that the doctor finds it and only it, and mends it. */
async function breaks({ look }, check, named, says, damage, repair) {
  await damage();
  const { code, ok, bad } = await look();
  expect({ code, ok }).is({ code: 1, ok: false }, `after what ${check} is to find`);
  expect([...new Set(bad.map((one) => one.check))]).is([check]);
  expect(bad[0].row).is(named);
  expect(bad[0].detail).matches(says);
  expect(bad[0].todo.length > 10).is(true);
  await repair();
  expect((await look()).bad).is([]);
}

story('What was paid, refunded or agreed, and an order that says otherwise', async (stage) => {
  const house = await open(stage);
  const { sql } = house;
  const { half, first } = await trade(house);
  const order = `order ${half.id}`;
  const set = (name, value) => () =>
    sql`UPDATE orders SET refunded_minor = ${value} WHERE id = ${half.id}`;
  await breaks(house, 'orders', order, /refunded says 499/, set('', 499), set('', 500));
  const line = (off) => () =>
    sql`UPDATE order_line SET discount_minor = discount_minor + ${off} WHERE id = ${half.line}`;
  await breaks(house, 'orders', order, /its lines come to 1490/, line(10), line(-10));
  // A surplus payment that nobody sends back
  const { id: here } = stage.community;
  const state = (to) => () =>
    sql`UPDATE refund_request SET state = ${to} WHERE surplus AND community_id = ${here}`;
  const [{ id }] = await sql`SELECT id FROM payment WHERE surplus AND order_id = ${first.id}`;
  await breaks(house, 'refunds', `payment ${id}`, /surplus/, state('failed'), state('asked'));
});

story('A payment that no order counts, and more back than came', async (stage) => {
  const house = await open(stage);
  const { sql, community } = house;
  const { half } = await trade(house);
  const ghost = uuid7();
  const insert = () => sql`
    INSERT INTO payment (community_id, id, order_id, provider, provider_ref, amount_minor, currency,
                         paid_at)
    VALUES (${community.id}, ${ghost}, ${half.id}, 'stripe', 'ghost', 7, 'CNY', now())`;
  await insert();
  const found = (await house.look()).bad;
  expect(found.map(({ check }) => check)).is(['orders', 'ledger', 'ledger']);
  expect(found[0].detail).matches(/paid says 1500, its payments come to 1507/);
  await sql`DELETE FROM payment WHERE id = ${ghost}`;
  await sql`
    INSERT INTO refund (community_id, id, payment_id, provider, provider_ref, amount_minor,
                        refunded_at)
    VALUES (${community.id}, ${ghost}, ${half.payment}, 'hand', 'ghost', 1001, now())`;
  const more = (await house.look()).bad;
  expect(more.some(({ detail }) => /more went back \(1501\)/.test(detail))).is(true);
  expect(more.some(({ check, row }) => check === 'refunds' && row.includes(half.payment))).is(true);
});

story('A row that the ledger lacks', async (stage) => {
  const house = await open(stage);
  const { sql } = house;
  const { first } = await trade(house);
  let kept;
  await breaks(
    house,
    'ledger',
    `order ${first.id}`,
    /fees comes to 0, and .* it is 30/,
    async () => {
      [kept] = await sql`
        DELETE FROM ledger WHERE order_id = ${first.id} AND event = 'fee'
        RETURNING to_json(ledger) AS j`;
    },
    () => sql`INSERT INTO ledger SELECT * FROM json_populate_record(NULL::ledger, ${kept.j})`,
  );
});

story('What was paid for and not given, and what was given for nothing', async (stage) => {
  const house = await open(stage);
  const { sql, community } = house;
  const { first, gift, group, cat, plan } = await trade(house);
  const order = ({ id }) => `order ${id}`;
  let kept;
  const away = async (rows) => ([kept] = await rows);
  await breaks(
    house,
    'given',
    order(gift),
    /gifts: 1 were given instead of 2/,
    () =>
      away(sql`DELETE FROM gift WHERE order_line_id = ${gift.line} AND claimed_by IS NULL
               RETURNING to_json(gift) AS j`),
    () => sql`INSERT INTO gift SELECT * FROM json_populate_record(NULL::gift, ${kept.j})`,
  );
  await breaks(
    house,
    'given',
    order(group),
    /seats: 2 were given instead of 3/,
    () =>
      away(sql`DELETE FROM group_seat WHERE order_line_id = ${group.line} AND unit = 3
               RETURNING to_json(group_seat) AS j`),
    () => sql`
      INSERT INTO group_seat SELECT * FROM json_populate_record(NULL::group_seat, ${kept.j})`,
  );
  const longer = (days) => () =>
    sql`UPDATE entitlement
        SET span = tstzrange(lower(span), upper(span) + make_interval(days => ${days}))
        WHERE order_line_id = ${first.line}`;
  await breaks(house, 'given', order(first), /345600 seconds longer/, longer(4), longer(-4));
  const settled = (at) => () =>
    sql`UPDATE orders SET settled_at = ${at} WHERE id = ${gift.id}`;
  const [{ settled_at: at }] = await sql`SELECT settled_at FROM orders WHERE id = ${gift.id}`;
  await settled(null)();
  const found = (await house.look()).bad;
  expect(found.filter(({ check }) => check === 'given')).matches([{ detail: /was not settled/ }]);
  await settled(at)();
  // A gift's span that no gift knows, a carried one that comes from nowhere
  const [{ id: given }] = await sql`
    SELECT id FROM entitlement WHERE order_line_id = ${gift.line}`;
  const claim = (span) => () => sql`
    UPDATE gift SET claimed_by = ${span && cat.id}, claimed_at = ${span && at},
      entitlement_id = ${span}
    WHERE order_line_id = ${gift.line}
      AND unit = (SELECT unit FROM entitlement WHERE id = ${given})`;
  await breaks(house, 'roots', `span ${given}`, /no gift says/, claim(null), claim(given));
  const stray = uuid7();
  await breaks(
    house,
    'roots',
    `span ${stray}`,
    /nothing says what/,
    () => sql`
      INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source)
      VALUES (${community.id}, ${cat.id}, ${stray}, ${plan.product_id}, ${plan.id},
              '[2090-01-01,2090-02-01)', 'carried')`,
    () => sql`DELETE FROM entitlement WHERE id = ${stray}`,
  );
});

story('Redemptions, uses and holds that don’t fit', async (stage) => {
  const house = await open(stage);
  const { sql, community } = house;
  const { code, cat } = await trade(house);
  const used = (by) => () =>
    sql`UPDATE invite_code SET used = used + ${by} WHERE id = ${code.id}`;
  await breaks(house, 'codes', `code ${code.id}`, /used says 2, .* are 1/, used(1), used(-1));
  const held = (by) => () =>
    sql`UPDATE invite_code SET held = held + ${by} WHERE id = ${code.id}`;
  await breaks(house, 'codes', `code ${code.id}`, /held says 1, .* are 0/, held(1), held(-1));
  const [{ id }] = await sql`
    SELECT id FROM redemption WHERE community_id = ${community.id} AND member_id = ${cat.id}`;
  const voided = (at) => () => sql`
    UPDATE entitlement SET voided_at = ${at}, void_reason = ${at && 'gone'} WHERE id = ${id}`;
  const now = new Date();
  await breaks(house, 'roots', `redemption ${id}`, /neither time/, voided(now), voided(null));
});

story('A day that was given twice', async (stage) => {
  const house = await open(stage);
  const { sql, community } = house;
  const { ann, plan, operator } = { ...(await trade(house)), operator: house.operator };
  const twice = uuid7();
  await sql`ALTER TABLE entitlement DROP CONSTRAINT entitlement_no_overlap`;
  await breaks(
    house,
    'overlaps',
    `span ${twice}`,
    /begins before another one/,
    () => sql`
      INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
                               granted_by, reason)
      VALUES (${community.id}, ${ann.id}, ${twice}, ${plan.product_id}, ${plan.id},
              tstzrange(now() + interval '1 day', now() + interval '2 days'), 'comp',
              ${operator.id}, 'Twice')`,
    () => sql`DELETE FROM entitlement WHERE id = ${twice}`,
  );
});

story('A number or a receipt that is missing, and one that says something else', async (stage) => {
  const house = await open(stage);
  const { sql, community } = house;
  const { half } = await trade(house);
  const [{ year }] = await sql`SELECT year FROM receipt WHERE order_id = ${half.id}`;
  const last = (by) => () => sql`
    UPDATE receipt_year SET last = last + ${by} WHERE community_id = ${community.id}`;
  await breaks(house, 'receipts', `year ${year}`, /last number is 5/, last(1), last(-1));
  const total = (by) => () => sql`
    UPDATE receipt SET total_minor = total_minor + ${by} WHERE order_id = ${half.id}`;
  await breaks(house, 'receipts', `receipt ${year}-000002`, /says 1501/, total(1), total(-1));
  await sql`DELETE FROM receipt WHERE order_id = ${half.id}`;
  expect((await house.look()).bad.map(({ row }) => row)).is([`order ${half.id}`, `year ${year}`]);
});
