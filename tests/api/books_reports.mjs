// Reports say what the ledger says, to the cent; and no cell of theirs is ever a formula.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, race, story } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { CashBox } from './lib/cashbox.mjs';

async function open(stage) {
  const operator = await stage.people.operator();
  const console = stage.api.as(operator);
  const report = async (name, query) => {
    const reply = await console.get(`/v1/reports/${name}`, { query });
    expect(reply).status(200);
    return reply.body.data;
  };
  const shop = new Shop(stage.api, operator);
  return { ...stage, operator, console, report, shop, box: new CashBox(stage, operator) };
}

const sum = (rows, name) => rows.reduce((all, row) => all + row[name], 0);

async function trade({ people, shop, box, sql }) {
  const [ann, bob] = [await people.member(), await people.member()];
  const month = { period_unit: 'month', price_minor: 9900, renews: true };
  const year = await shop.plan();
  const plan = await shop.plan(month);
  const best = await shop.plan({ product: { id: plan.product_id }, ...month, price_minor: 19900 });
  const campaign = await shop.campaign({ name: '=HYPERLINK("http://x","y")' });
  const code = await shop.code({
    plan,
    effect: 'discount',
    percent: 33,
    campaign_id: campaign.id,
  });
  const [{ digest }] = await sql`SELECT digest FROM invite_code WHERE id = ${code.id}`;
  const first = await box.sell(ann, { kind: 'purchase', plan_id: year.id }, { fee: 219 });
  await box.sell(bob, { kind: 'purchase', plan_id: plan.id }, { code: digest, fee: 40 });
  await box.sell(bob, { kind: 'upgrade', plan_id: best.id }, { fee: 7 });
  await box.pay(first, { ref: 'twice', fee: 219 });
  expect(await box.refund(first, 1234)).is('counted');
  return { year, plan, best, campaign };
}

story('Revenue by month, plan and campaign is what the ledger says', async (stage) => {
  const { report, sql, community, ...house } = await open(stage);
  const { plan, campaign } = await trade({ ...house, sql });
  const [books] = await sql`
    SELECT coalesce(sum(amount_minor) FILTER (WHERE event = 'sale'), 0)::bigint AS sales,
      coalesce(sum(amount_minor) FILTER (WHERE event = 'refund'), 0)::bigint AS refunds,
      coalesce(sum(amount_minor) FILTER (WHERE event = 'fee'), 0)::bigint AS fees
    FROM ledger WHERE community_id = ${community.id}`;
  expect(books).matches({ refunds: 1234, fees: 485 });
  for (const by of ['month', 'plan', 'campaign']) {
    const rows = await report('revenue', { by });
    expect({
      sales: sum(rows, 'sales_minor'),
      refunds: sum(rows, 'refunds_minor'),
      fees: sum(rows, 'fees_minor'),
    }).is(books, `by ${by}`);
    expect(sum(rows, 'net_minor')).is(books.sales - books.refunds - books.fees);
    for (const row of rows) {
      const { gross_minor: gross, discounts_minor: off, credits_minor: credit } = row;
      expect(gross - off - credit).is(row.sales_minor);
    }
    expect(sum(rows, 'orders')).is(3);
  }
  const ofPlan = (await report('revenue', { by: 'plan' })).find(({ key }) => key === plan.id);
  expect(ofPlan).matches({
    label: `${plan.slug} v1`,
    currency: 'CNY',
    gross_minor: 9900,
    discounts_minor: 3267,
    sales_minor: 6633,
  });
  const campaigns = await report('revenue', { by: 'campaign' });
  expect(campaigns.map(({ key }) => key).sort()).is([campaign.id, 'none'].sort());
  // What happened before is in no later month
  expect(await report('revenue', { from: '2020-01', until: '2022-12' })).is([]);
});

story('A report covers 36 months at most, of months there are', async (stage) => {
  const { console, people, api } = await open(stage);
  const ask = (query) => console.get('/v1/reports/mrr', { query });
  expect(await ask({ from: '2024-01', until: '2026-12' })).status(200);
  expect(await ask({ from: '2023-12', until: '2026-12' }))
    .problem('query_invalid', 400)
    .fault('from', 'out_of_range');
  expect(await ask({ from: '2026-02', until: '2026-01' })).fault('from', 'out_of_range');
  expect(await ask({ from: '2026-13' })).fault('from', 'format');
  expect(await ask({ until: '2026-+1' })).fault('until', 'format');
  const member = api.as(await people.member());
  expect(await member.get('/v1/reports/mrr')).problem('not_allowed', 403);
});

story('Monthly recurring revenue is what 30.4375 days of what renews cost', async (stage) => {
  const { report, people, shop, box, sql } = await open(stage);
  const days = { period_unit: 'day', period_count: 30, price_minor: 3000 };
  const plan = await shop.plan({ ...days, renews: true });
  const once = await shop.plan(days);
  const last = async () => (await report('mrr')).at(-1);
  expect(await last()).matches({ memberships: 0, mrr_minor: 0, currency: 'CNY' });
  const orders = [];
  for (let i = 0; i < 3; i++) {
    orders.push(await box.sell(await people.member(), { kind: 'purchase', plan_id: plan.id }));
  }
  await box.sell(await people.member(), { kind: 'purchase', plan_id: once.id });
  // 3 x 3000 / 30 x 30.4375 = 9131.25
  expect(await last()).matches({ memberships: 3, mrr_minor: 9131 });
  expect(await box.refund(orders[0], 3000)).is('counted');
  expect(await last()).matches({ memberships: 2, mrr_minor: 6088 });
  // Two months ago one of them was there, and paid more
  await sql`
    UPDATE entitlement SET span = tstzrange(lower(span) - interval '3 months', upper(span))
    WHERE order_line_id = ${orders[1].line}`;
  const months = await report('mrr');
  expect(months.length).is(12);
  expect(months.slice(-3).map(({ memberships }) => memberships)).is([1, 1, 2]);
});

/** 24 who were there when last month began; 20 still are. */
async function crowd({ people, shop, box, sql, community }) {
  await sql`UPDATE community SET zone = 'UTC' WHERE id = ${community.id}`;
  // The server would open renewals of its own, of what ends in the past all at once.
  await sql`
    INSERT INTO life_walk (community_id, walked_at)
    VALUES (${community.id}, now() + interval '1 hour')
    ON CONFLICT (community_id) DO UPDATE SET walked_at = excluded.walked_at, after_id = NULL`;
  const plan = await shop.plan({ period_unit: 'month', price_minor: 3000, renews: true });
  const members = await race(24, () => people.member());
  const orders = [];
  for (const member of members)
    orders.push(await box.sell(member, { kind: 'purchase', plan_id: plan.id }));
  const leaves = async (order, ends) => sql`
    UPDATE entitlement SET created_at = created_at - interval '4 months',
      span = tstzrange(date_trunc('month', now()) - interval '2 months', ${ends}::timestamptz)
    WHERE order_line_id = ${order.line}`;
  const [{ middle, later }] = await sql`
    SELECT date_trunc('month', now()) - interval '15 days' AS middle,
      now() + interval '3 months' AS later`;
  for (const [i, order] of orders.entries()) await leaves(order, i < 4 ? middle : later);
  const [{ id }] = await sql`SELECT id FROM membership WHERE member_id = ${members[0].id}`;
  const renewal = await box.open(members[0], { kind: 'renewal', membership_id: id });
  await sql`UPDATE orders SET due_at = ${middle} WHERE id = ${renewal.id}`;
  await sql`SELECT order_close(${community.id}, ${renewal.id}, 'expired')`;
  return { members, renewal };
}

story('Who left of their own will, and who was not paid for; of few it says so', async (stage) => {
  const house = await open(stage);
  const { report, sql, community } = house;
  const { renewal } = await crowd(house);
  const [before, last] = (await report('churn')).slice(-3);
  expect(last).matches({
    at_start: 24,
    lost_voluntary: 3,
    lost_involuntary: 1,
    voluntary_basis_points: 1250,
    involuntary_basis_points: 417,
    sample: 'enough',
  });
  expect(before).matches({
    lost_voluntary: 0,
    lost_involuntary: 0,
    voluntary_basis_points: (n) => n === 0 || n === null,
  });
  await sql`UPDATE orders SET closed_reason = 'cancelled' WHERE id = ${renewal.id}`;
  expect((await report('churn')).at(-2)).matches({ lost_voluntary: 4, lost_involuntary: 0 });
  await sql`
    UPDATE entitlement SET voided_at = now() - interval '90 days', void_reason = 'gone'
    WHERE community_id = ${community.id} AND id IN (
      SELECT id FROM entitlement WHERE community_id = ${community.id} LIMIT 5)`;
  expect((await report('churn')).at(-2)).matches({
    at_start: 19,
    voluntary_basis_points: null,
    sample: 'too small to say',
  });
});

/** What is in a workbook, by another program. */
function unpack(bytes) {
  const folder = mkdtempSync(join(tmpdir(), 'book-'));
  const file = join(folder, 'book.xlsx');
  writeFileSync(file, bytes);
  const part = (name) => execFileSync('unzip', ['-p', file, name]).toString();
  const shown = {
    tested: execFileSync('unzip', ['-t', file]).toString(),
    sheet: part('xl/worksheets/sheet1.xml'),
    texts: [...part('xl/sharedStrings.xml').matchAll(/<t[^>]*>([^<]*)<\/t>/g)].map((m) => m[1]),
    book: part('xl/workbook.xml'),
  };
  rmSync(folder, { recursive: true });
  return shown;
}

story('As CSV and as a workbook they hold the same, and nothing that calculates', async (stage) => {
  const { console, report, ...house } = await open(stage);
  await trade(house);
  const rows = await report('revenue', { by: 'campaign' });
  const query = { by: 'campaign' };
  const csv = await console.get('/v1/reports/revenue.csv', { query });
  expect(csv)
    .status(200)
    .header('Content-Type', 'text/csv; charset=utf-8')
    .header('Content-Disposition', /revenue.*\.csv/);
  const [head, ...lines] = csv.text.replace('\uFEFF', '').trim().split('\r\n');
  expect(head).is(Object.keys(rows[0]).join(','));
  expect(lines.length).is(rows.length);
  expect(csv.text.includes(`"'=HYPERLINK(""http://x"",""y"")"`)).is(true, csv.text);
  const net = rows.map((row) => String(row.net_minor));
  expect(lines.map((line) => line.split(',').at(-1))).is(net);
  const book = await console.get('/v1/reports/revenue.xlsx', { query });
  expect(book).status(200).header('Content-Disposition', /revenue.*\.xlsx/);
  const { tested, sheet, texts, book: names } = unpack(book.bytes);
  expect(tested).matches(/No errors detected/);
  expect(names).matches(/name="revenue"/);
  expect(texts.includes('=HYPERLINK(&quot;http://x&quot;,&quot;y&quot;)') ||
    texts.includes('=HYPERLINK("http://x","y")')).is(true, texts.join('\n'));
  expect(/<f[ >]/.test(sheet)).is(false, 'there is a formula');
  for (const number of net) expect(sheet.includes(`<v>${number}</v>`)).is(true, `${number}`);
  const again = await console.get('/v1/reports/revenue.xlsx', { query });
  expect(again.bytes.equals(book.bytes)).is(true, 'two workbooks of the same differ');
  for (const name of ['mrr', 'churn']) {
    expect(await console.get(`/v1/reports/${name}.csv`)).status(200).text(/^\uFEFFmonth,/);
    const { bytes } = await console.get(`/v1/reports/${name}.xlsx`);
    expect(unpack(bytes).texts.includes('month')).is(true);
  }
});
