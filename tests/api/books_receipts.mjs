// Receipts: numbered without gaps, in two languages, as data and on paper; and what asks for
// invoices.
import { execFileSync } from 'node:child_process';
import { expect, patiently, race, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { CashBox } from './lib/cashbox.mjs';

async function open(stage) {
  const { people, api } = stage;
  const operator = await people.operator();
  const ann = await people.member({ name: '安然 Ann' });
  const shop = new Shop(api, operator);
  return { ...stage, operator, ann, shop, box: new CashBox(stage, operator) };
}

/** The year by the community's clocks. */
const yearThere = () => new Date(Date.now() + 8 * 3_600_000).getUTCFullYear();

/** The text of a PDF, by another program. */
const read = (pdf) => execFileSync('pdftotext', ['-layout', '-', '-'], { input: pdf }).toString();


story('A receipt says who paid what, when, for what, and until when', async (stage) => {
  const { api, ann, shop, box, operator, sql, people } = await open(stage);
  const product = await shop.product({ name: { en: 'Reading circle', 'zh-CN': '读书会' } });
  const plan = await shop.plan({ product, name: { en: 'A year', 'zh-CN': '年卡' } });
  const code = await shop.code({ plan, effect: 'discount', percent: 10 });
  const [{ digest }] = await sql`SELECT digest FROM invite_code WHERE id = ${code.id}`;
  const waiting = await box.open(ann, { kind: 'purchase', plan_id: plan.id }, { code: digest });
  const path = `/v1/orders/${waiting.id}/receipt`;
  expect(await api.as(ann).get(path)).problem('not_found', 404);
  const order = await box.pay(waiting, { ref: 'transfer-7' });
  const year = yearThere();
  const shown = await api.as(ann).get(path);
  expect(shown)
    .status(200)
    .header('ETag', /^"/)
    .body({
      number: `${year}-000001`,
      order_id: order.id,
      order_kind: 'purchase',
      member_name: '安然 Ann',
      currency: 'CNY',
      lines: [{ quantity: 1, unit_minor: 36500, plan_name: { 'zh-CN': '年卡' } }],
      subtotal_minor: 36500,
      discount_minor: 3650,
      credit_minor: 0,
      total_minor: 32850,
      payments: [{ provider: 'hand', reference: 'transfer-7', amount_minor: 32850 }],
      refunded_minor: 0,
      refunds: [],
    });
  const [span] = await sql`
    SELECT lower(span) AS begins, upper(span) AS ends FROM entitlement
    WHERE order_line_id = ${order.line}`;
  expect(shown.body.starts_at).is(span.begins.toISOString());
  expect(shown.body.ends_at).is(span.ends.toISOString());
  expect(await api.as(operator).get(path)).status(200);
  expect(await api.as(await people.member()).get(path)).problem('not_found', 404);
  await box.refund(order, 850, { keeps: true });
  expect(await api.as(ann).get(path)).body({
    refunded_minor: 850,
    refunds: [{ amount_minor: 850, reason: 'As the story asks' }],
  });
  const { bytes } = await api.as(ann).get(`${path}.pdf?language=en`);
  for (const part of [/Subtotal +CNY 365\.00/, /Discount +−CNY 36\.50/, /Total +CNY 328\.50/]) {
    expect(read(bytes)).matches(part);
  }
  expect(read(bytes)).matches(/CNY 8\.50 of it was refunded/);
});

story('On paper it is a PDF in the reader’s language, and each time the same', async (stage) => {
  const { api, ann, shop, box } = await open(stage);
  const product = await shop.product({ name: { en: 'Reading circle', 'zh-CN': '读书会' } });
  const plan = await shop.plan({ product, name: { en: 'A year', 'zh-CN': '年卡' } });
  const order = await box.sell(ann, { kind: 'purchase', plan_id: plan.id }, { ref: 'transfer-9' });
  const path = `/v1/orders/${order.id}/receipt.pdf`;
  const get = (language) => api.as(ann).get(path, { headers: { 'Accept-Language': language } });
  const english = await get('en');
  expect(english.status).is(200);
  expect(english.headers['content-type']).is('application/pdf');
  expect(english.headers['content-disposition']).matches(/receipt-\d{4}-000001\.pdf/);
  expect(english.bytes.subarray(0, 5).toString()).is('%PDF-');
  const text = read(english.bytes);
  const year = yearThere();
  for (const part of [
    `No. ${year}-000001`,
    'Receipt',
    '安然 Ann',
    'Reading circle · A year',
    'CNY 365.00',
    'Total',
    'Transfer or cash · transfer-9',
    order.id,
  ]) {
    expect(text.includes(part)).is(true, `${part} in\n${text}`);
  }
  const chinese = read((await get('zh-CN')).bytes);
  for (const part of ['收据', '读书会 · 年卡', '合计', '有效期', '转账或现金']) {
    expect(chinese.includes(part)).is(true, `${part} in\n${chinese}`);
  }
  const asked = await api.as(ann).get(`${path}?language=zh-CN`, {
    headers: { 'Accept-Language': 'en' },
  });
  expect(read(asked.bytes).includes('收据')).is(true);
  const many = await race(16, () => get('en'));
  expect(many.every(({ bytes }) => bytes.equals(english.bytes))).is(true);
  expect(await api.as(ann).get(`/v1/orders/${uuid7()}/receipt.pdf`)).problem('not_found', 404);
});

story('Of 64 orders that are paid at once each has its number, without a gap', async (stage) => {
  const { api, shop, operator, people, sql, community } = await open(stage);
  const plan = await shop.plan();
  const members = await race(64, () => people.member());
  const console = api.as(operator);
  const paid = await race(64, (i) =>
    patiently(() =>
      console.post(`/v1/members/${members[i].id}/grants`, {
        kind: 'payment',
        plan_id: plan.id,
        amount_minor: plan.price_minor,
        currency: plan.currency,
        reference: `at-once-${i}`,
        reason: 'All at once',
      }),
    ),
  );
  for (const reply of paid) expect(reply).status(201);
  const year = yearThere();
  const receipts = await sql`
    SELECT number FROM receipt WHERE community_id = ${community.id} ORDER BY number`;
  expect(receipts.map(({ number }) => number)).is(Array.from({ length: 64 }, (_, i) => i + 1));
  const last = paid.at(-1).body.order_id;
  expect(await console.get(`/v1/orders/${last}/receipt`)).body({
    number: new RegExp(`^${year}-0000\\d\\d$`),
  });
});

story('Who needs an invoice asks once, and is told what became of it', async (stage) => {
  const { api, ann, shop, box, operator, sql, people } = await open(stage);
  const plan = await shop.plan();
  const order = await box.open(ann, { kind: 'purchase', plan_id: plan.id });
  const path = `/v1/orders/${order.id}/invoice-request`;
  const company = {
    kind: 'company',
    title: '上海示例有限公司',
    tax_number: '91310000MA1FL0AB12',
    email: 'ann@example.org',
  };
  const me = api.as(ann);
  const console = api.as(operator);
  expect(await me.post(path, company)).problem('state_forbids', 409);
  await box.pay(order);
  expect(await me.post(path, { ...company, tax_number: undefined }))
    .problem('body_invalid', 422)
    .fault('/tax_number', 'required');
  expect(await me.post(path, { ...company, tax_number: '91310000ma1fl0ab12' })).fault(
    '/tax_number',
    'format',
  );
  expect(await me.post(path, { ...company, email: 'nobody' })).fault('/email', 'format');
  expect(await api.as(await people.member()).post(path, company)).problem('not_found', 404);
  const made = await race(8, () => patiently(() => me.post(path, company)));
  expect(made.filter(({ status }) => status === 201).length).is(1);
  expect(made.filter(({ body }) => body.code === 'invoice_asked').length).is(7);
  const asked = made.find(({ status }) => status === 201);
  const place = `/v1/invoice-requests/${asked.body.id}`;
  expect(asked)
    .header('Location', place)
    .body({ state: 'asked', title: '上海示例有限公司', amount_minor: 36500 });
  expect(asked.body.receipt_number).matches(/^\d{4}-000001$/);
  expect(await me.get('/v1/me/invoice-requests')).body({ data: [{ id: asked.body.id }] });
  const query = { state: 'asked', order_id: order.id, member_id: ann.id };
  expect(await console.get('/v1/invoice-requests', { query })).body({
    data: [{ id: asked.body.id }],
  });
  expect(await console.get('/v1/invoice-requests', { query: { state: 'issued' } })).body({
    data: [],
  });
  const seen = await console.get(place);
  expect(await console.patch(place, { state: 'issued' })).fault('/number', 'required');
  expect(await console.patch(place, { state: 'refused' })).fault('/reason', 'required');
  const issued = { state: 'issued', number: '26312000000012345678' };
  expect(await console.patch(place, issued)).status(200).body({ ...issued, version: 2 });
  const late = { headers: { 'If-Match': seen.header('ETag') } };
  expect(await console.patch(place, { number: '1' }, late)).problem('version_changed', 412);
  expect(await me.post(`${place}/withdraw`)).problem('state_forbids', 409);
  expect(await me.post(path, company)).problem('invoice_asked', 409);
  const refused = { state: 'refused', reason: 'Red-lettered: it was refunded' };
  expect(await console.patch(place, refused)).status(200).body(refused);
  expect(await console.patch(place, issued)).problem('state_forbids', 409);
  const again = await me.post(path, { kind: 'personal', title: 'Ann' });
  expect(again).status(201);
  const back = `/v1/invoice-requests/${again.body.id}`;
  expect(await me.post(`${back}/withdraw`)).status(200).body({ state: 'withdrawn' });
  expect(await me.post(`${back}/withdraw`)).status(200).body({ state: 'withdrawn' });
  expect(await me.get(back)).body({ state: 'withdrawn' });
  const log = await sql`
    SELECT action, after FROM audit_log WHERE target_kind = 'invoice_request'
      AND community_id = ${stage.community.id} ORDER BY id`;
  expect(log.map(({ action }) => action.split('.')[1])).is([
    'create',
    'change',
    'change',
    'create',
    'withdraw',
  ]);
  expect(JSON.stringify(log).includes('上海')).is(false, 'the audit log names no one');
  const told = await sql`
    SELECT topic FROM outbox WHERE topic LIKE 'invoice.%' AND subject_id = ${ann.id} ORDER BY id`;
  expect(told.map(({ topic }) => topic)).is([
    'invoice.asked',
    'invoice.issued',
    'invoice.refused',
    'invoice.asked',
    'invoice.withdrawn',
  ]);
});
