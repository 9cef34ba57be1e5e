// Orders made with the functions that the API itself uses, and what must hold of them afterwards.
import { createHmac } from 'node:crypto';
import { expect } from './expect.mjs';
import { raw } from './client.mjs';
import { eventually } from './peers.mjs';
import { uuid7 } from './people.mjs';

export const SECRET = '5eed'.repeat(16);

/** An order of `member` for a plan, waiting to be paid: { id, total_minor, currency }. */
export async function openOrder(
  { sql, community },
  member,
  plan,
  { kind = 'purchase', ...more } = {},
) {
  const asked = JSON.stringify({ kind, plan_id: plan?.id, ...more });
  const [{ terms }] = await sql`
    SELECT quote_make(${community.id}, ${member.id}, ${asked}::jsonb, NULL, now()) AS terms`;
  if (terms.refusal) throw new Error(`no quote: ${JSON.stringify(terms)}`);
  const id = uuid7();
  await sql`
    SELECT order_open(${community.id}, ${id}, ${uuid7()}, ${member.id}, NULL,
      ${JSON.stringify(terms)}::jsonb, now(), now() + interval '30 minutes', NULL, NULL)`;
  return { id, total_minor: terms.total_minor, currency: terms.currency };
}

/** The community becomes a demonstration whose owner has set up both ways to pay. */
export async function openTill({ api, people, sql, community }) {
  await sql`UPDATE community SET demo = true WHERE id = ${community.id}`;
  const owner = await people.owner();
  const put = (body) => api.as(owner).put('/v1/gateways', body);
  expect(await put({ provider: 'test', settings: { secret: SECRET } })).status(200);
  const account = { en: 'IBAN 1', 'zh-CN': '账号 1' };
  expect(await put({ provider: 'hand', settings: { account } })).status(200);
  return owner;
}

export const sign = (body, { secret = SECRET, at = Date.now() } = {}) => {
  const seconds = Math.floor(at / 1000);
  const mac = createHmac('sha256', Buffer.from(secret, 'hex')).update(`${seconds}.${body}`);
  return `t=${seconds},v1=${mac.digest('hex')}`;
};

/** Speaks for the test provider: told(community, event, how) posts one notification. */
export function teller(api) {
  return (community, event, { body = JSON.stringify(event), signature, ...how } = {}) =>
    api.post(`/v1/gateways/test/${community.slug}/notifications`, raw(body), {
      headers: { 'Test-Signature': signature ?? sign(body, how) },
    });
}

/** An event of the test provider about an attempt; `charge` is the provider's name of it. */
export const eventOf = (type, attempt, more) => ({
  id: uuid7(),
  type,
  charge: attempt.charge,
  reference: attempt.id,
  amount_minor: attempt.amount_minor,
  currency: attempt.currency,
  at: new Date().toISOString(),
  ...more,
});

/** Opens an attempt over HTTP; `.charge` and `.page` are the provider's. */
export async function tryToPay(api, member, order, method = 'page') {
  const reply = await api.as(member).post(`/v1/orders/${order.id}/attempts`, {
    provider: 'test',
    method,
  });
  if (reply.status >= 300) throw new Error(reply.text);
  const page = new URL(reply.body.pay_url).pathname;
  return { ...reply.body, page, charge: page.split('/').pop() };
}

/** Presses a button of the payment page. */
export const press = (api, { page }, act, how = {}) =>
  api.post(
    page,
    raw(new URLSearchParams({ act, ...how }).toString(), 'application/x-www-form-urlencoded'),
  );

/** What must hold of every order of a community at rest; gives the rows for more. */
export async function booksAddUp({ sql, community }) {
  const rows = await sql`
    SELECT o.id, o.status, o.settled_at, o.total_minor::int AS total, o.paid_minor::int AS paid,
      o.refunded_minor::int AS refunded,
      (SELECT coalesce(sum(amount_minor), 0)::int FROM payment p
       WHERE p.order_id = o.id AND NOT surplus) AS came,
      (SELECT coalesce(sum(r.amount_minor), 0)::int FROM refund r JOIN payment p ON p.id = r.payment_id
       WHERE p.order_id = o.id AND NOT p.surplus) AS went,
      (SELECT coalesce(sum(amount_minor - fee_minor), 0)::int FROM payment p
       WHERE p.order_id = o.id)
       - (SELECT coalesce(sum(r.amount_minor), 0)::int FROM refund r
          JOIN payment p ON p.id = r.payment_id WHERE p.order_id = o.id) AS here,
      (SELECT coalesce(sum(CASE WHEN debit = 'money' THEN amount_minor ELSE 0 END
        - CASE WHEN credit = 'money' THEN amount_minor ELSE 0 END), 0)::int
       FROM ledger l WHERE l.order_id = o.id) AS money,
      (SELECT coalesce(sum(CASE WHEN credit = 'owed' THEN amount_minor ELSE 0 END
        - CASE WHEN debit = 'owed' THEN amount_minor ELSE 0 END), 0)::int
       FROM ledger l WHERE l.order_id = o.id) AS ahead,
      (SELECT coalesce(sum(CASE WHEN credit = 'returnable' THEN amount_minor ELSE 0 END
        - CASE WHEN debit = 'returnable' THEN amount_minor ELSE 0 END), 0)::int
       FROM ledger l WHERE l.order_id = o.id) AS returnable,
      (SELECT count(*)::int FROM ledger l WHERE l.order_id = o.id AND event = 'sale') AS sales
    FROM orders o WHERE o.community_id = ${community.id}`;
  for (const row of rows) {
    expect(row.came).is(row.paid, `paid of ${row.id}`);
    expect(row.went).is(row.refunded, `refunded of ${row.id}`);
    expect(row.money).is(row.here, `money of ${row.id}`);
    expect(row.ahead).is(row.settled_at ? 0 : row.paid - row.refunded, `owed of ${row.id}`);
    expect(row.sales).is(row.settled_at && row.total ? 1 : 0, `sales of ${row.id}`);
    expect(row.returnable).atLeast(0);
  }
  return rows;
}

/** May this member in? As the operator's explanation says. */
export async function allowed(api, operator, { id }) {
  const reply = await api.as(operator).get(`/v1/members/${id}/access`);
  expect(reply).status(200);
  return reply.body.allowed;
}

/** Waits until an order has this status. */
export const becomes = ({ sql }, { id }, status, ms) =>
  eventually(
    async () => (await sql`SELECT status FROM orders WHERE id = ${id}`)[0].status === status,
    ms,
  );
