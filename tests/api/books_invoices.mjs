// To whom invoices are made out is nobody's business but theirs and the operators': it lies sealed,
// and goes when they do.
import { expect, story } from './lib/story.mjs';
import { erased } from './lib/visitor.mjs';
import { Shop } from './lib/shop.mjs';
import { CashBox } from './lib/cashbox.mjs';

const TITLE = '北极星示例有限公司';
const NUMBER = '91310000MA1FL0ZZ99';
const EMAIL = 'bill@polaris.example';
const company = { kind: 'company', title: TITLE, tax_number: NUMBER, email: EMAIL };

async function open(stage) {
  const operator = await stage.people.operator();
  const plan = await new Shop(stage.api, operator).plan();
  const box = new CashBox(stage, operator);
  const order = (who) => box.sell(who, { kind: 'purchase', plan_id: plan.id });
  return { ...stage, operator, order, console: stage.api.as(operator) };
}

/** The tables in whose rows one of these words stands, in clear or as bytes. */
async function holding(sql, words) {
  const tables = await sql`
    SELECT quote_ident(relname) AS name FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`;
  const found = [];
  for (const { name } of tables) {
    for (const word of words) {
      const hex = Buffer.from(word).toString('hex');
      const [{ n }] = await sql([
        `SELECT count(*)::int AS n FROM ${name} t
         WHERE position('${word}' IN t::text) > 0 OR position('${hex}' IN t::text) > 0`,
      ]);
      if (n) found.push(`${name}: ${word}`);
    }
  }
  return found;
}

const words = [TITLE, NUMBER, company.email];

story('To whom an invoice is made out stands in no table, and is shown to whom it may', async (
  stage,
) => {
  const { api, sql, people, order, console } = await open(stage);
  const ann = await people.member({ name: 'Ann' });
  const bought = await order(ann);
  const me = api.as(ann).with({ 'Idempotency-Key': stage.random() });
  const path = `/v1/orders/${bought.id}/invoice-request`;
  const asked = await me.post(path, company);
  expect(asked).status(201).body(company);
  expect(await me.post(path, company)).status(201).text(asked.text); // replayed, also from sealed
  const place = `/v1/invoice-requests/${asked.body.id}`;
  expect(await holding(sql, words)).is([]);
  for (const who of [api.as(ann), console]) expect(await who.get(place)).status(200).body(company);
  expect(await api.as(ann).get('/v1/me/invoice-requests')).body({ data: [company] });
  expect(await console.get('/v1/invoice-requests')).body({ data: [company] });
  const bob = await people.member();
  expect(await api.as(bob).get(place)).problem('not_found', 404);
  const seen = await console.get(place);
  const tagged = console.with({ 'If-Match': seen.header('ETag') });
  expect(await tagged.patch(place, { state: 'issued', number: '1' }))
    .status(200)
    .body({ ...company, number: '1' });
  expect(await tagged.patch(place, { number: '2' })).problem('version_changed', 412);
  // Sealed is bound to its row: what lies there of another is not shown.
  const other = await api.as(bob).post(`/v1/orders/${(await order(bob)).id}/invoice-request`, {
    kind: 'personal',
    title: 'Bob',
  });
  await sql`
    UPDATE invoice_request SET sealed = (SELECT sealed FROM invoice_request
      WHERE id = ${asked.body.id}) WHERE id = ${other.body.id}`;
  expect(await api.as(bob).get(`/v1/invoice-requests/${other.body.id}`)).body({ title: null });
  expect(stage.log()).matches(/invoice_unreadable/);
});

story('Who is erased leaves of an invoice its number and amount', async (stage) => {
  const { api, sql, people, order, console } = await open(stage);
  const ann = await people.member({ name: 'Ann' });
  await people.owner();
  const ask = async () => {
    const { id } = await order(ann);
    return (await api.as(ann).post(`/v1/orders/${id}/invoice-request`, company)).body;
  };
  const [issued, waiting] = [await ask(), await ask()];
  const number = { state: 'issued', number: '26312000000012345678' };
  expect(await console.patch(`/v1/invoice-requests/${issued.id}`, number)).status(200);
  expect(await api.as(ann).delete('/v1/me')).status(202);
  await erased(sql, ann);
  const gone = { title: null, tax_number: null, email: null };
  expect(await console.get(`/v1/invoice-requests/${issued.id}`))
    .status(200)
    .body({ ...gone, ...number, amount_minor: 36500, receipt_number: /^\d{4}-\d{6}$/ });
  expect(await console.get(`/v1/invoice-requests/${waiting.id}`))
    .status(200)
    .body({ ...gone, state: 'withdrawn' });
  expect(await console.patch(`/v1/invoice-requests/${waiting.id}`, number)).problem(
    'state_forbids',
    409,
  );
  const kept = await sql`
    SELECT DISTINCT sealed, erased_at IS NOT NULL AS erased
    FROM invoice_request WHERE member_id = ${ann.id}`;
  expect(kept).is([{ sealed: null, erased: true }]);
});
