// From a quote to a paid order: the same to the cent and the second, once, and for nobody else.
import { expect, race, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { Till, receive } from './lib/till.mjs';

const DAY = 86_400_000;
const soon = (days) => new Date(Date.now() + days * DAY).toISOString();

async function open(stage) {
  const { api, people } = stage;
  const operator = await people.operator();
  const ann = await people.member({ name: 'Ann' });
  const shop = new Shop(api, operator);
  return { operator, console: api.as(operator), shop, ann, till: new Till(stage, ann) };
}

const later = (time, change) => {
  const at = new Date(time);
  change(at);
  return at.toISOString();
};
const yearAfter = (time) => later(time, (at) => at.setUTCFullYear(at.getUTCFullYear() + 1));

story('The order is what was quoted, to the cent and the second', async (stage) => {
  const { api, ann, shop, till } = { ...stage, ...(await open(stage)) };
  const plan = await shop.plan({ grace_days: 3 });
  const quoted = await till.quote({ plan_id: plan.id });
  expect(quoted).status(201).header('Location', `/v1/quotes/${quoted.id}`).body({
    kind: 'purchase',
    currency: 'CNY',
    subtotal_minor: 36500,
    discount_minor: 0,
    credit_minor: 0,
    total_minor: 36500,
    trial: false,
    code_hint: null,
    lines: [{ plan_id: plan.id, quantity: 1, unit_minor: 36500, amount_minor: 36500 }],
  });
  const quote = quoted.body;
  expect(quote.ends_at).is(yearAfter(quote.starts_at));
  expect(Date.parse(quote.expires_at) - Date.parse(quote.made_at)).is(15 * 60_000);
  expect(await api.as(ann).get(`/v1/quotes/${quote.id}`)).status(200).header('ETag').body(quote);

  const ordered = await api.as(ann).post('/v1/orders', { quote_id: quote.id });
  expect(ordered).status(201).header('Location', `/v1/orders/${ordered.id}`).body({
    status: 'pending',
    quote_id: quote.id,
    member_id: ann.id,
    total_minor: quote.total_minor,
    paid_minor: 0,
  });
  const [{ id, ...line }] = ordered.body.lines;
  expect(typeof id).is('string');
  expect(line).is(quote.lines[0]);
  expect(await api.as(ann).get('/v1/me/membership')).body({ active: false });

  const paid = await till.pay(ordered.body);
  expect(paid).matches({ status: 'paid', paid_minor: 36500, settled_at: /Z$/, expires_at: null });
  const mine = await api.as(ann).get('/v1/me/membership');
  expect(mine).body({ active: true, until: quote.ends_at });
  const [{ starts_at }] = await stage.sql`
    SELECT iso(lower(span)) AS starts_at FROM entitlement WHERE member_id = ${ann.id}`;
  expect(starts_at).is(quote.starts_at);
  // Renewing early loses no day.
  const next = await till.quote({ plan_id: plan.id });
  expect(next).body({ starts_at: quote.ends_at, ends_at: yearAfter(quote.ends_at) });
});
