// How the routes of payments are called well: see world.mjs.
import { openOrder, SECRET, tryToPay } from './orders.mjs';

async function order(world) {
  const order = await openOrder(world, world.redeemer, await world.shop.plan());
  return order.id;
}

async function till(world) {
  await world.sql`UPDATE community SET demo = true WHERE id = ${world.community.id}`;
  const put = (body) => world.api.as(world.keeper).put('/v1/gateways', body);
  await put({ provider: 'test', settings: { secret: SECRET } });
  await put({ provider: 'hand', settings: { account: { en: 'IBAN 1' } } });
}

async function paidByHand(world) {
  const id = await order(world);
  await world.shown(`/v1/orders/${id}/payments`, PAYMENT_BODIES.payment_record());
  return id;
}

export const PAYMENT_MAKERS = {
  orders: async (world, path) => {
    await till(world);
    return /refunds$/.test(path) ? paidByHand(world) : order(world);
  },
  test: async (world) => {
    await till(world);
    return (await tryToPay(world.api, world.redeemer, { id: await order(world) })).charge;
  },
};

let receipts = 0;
const reference = () => `R-${process.pid}-${Date.now()}-${receipts++}`;

export const PAYMENT_BODIES = {
  gateway_change: () => ({ provider: 'hand', settings: { account: { en: 'IBAN 2' } } }),
  attempt_create: () => ({ provider: 'hand', method: 'transfer' }),
  payment_record: () => ({
    amount_minor: 36500,
    currency: 'CNY',
    reference: reference(),
    note: 'It arrived',
  }),
  refund_create: () => ({ amount_minor: 100, reason: 'As agreed', reference: reference() }),
};

/** The order is the redeemer's: to others it does not exist. */
const NOT_THEIRS = Object.fromEntries(
  ['lapsed', 'muted', 'guest', 'lecturer', 'another lecturer'].map((who) => [who, 'not_found']),
);
export const PAYMENT_OWN = {
  way_list: NOT_THEIRS,
  attempt_create: NOT_THEIRS,
  payment_list: NOT_THEIRS,
  refund_list: NOT_THEIRS,
  dispute_list: NOT_THEIRS,
};
/** Whoever knocks unsigned. */
export const PAYMENT_OPEN = {
  gateway_notification: 'not_found',
  test_provider: 'notification_refused',
};
export const PAYMENT_REFERENCES = {
  payment_id: async (world, { id }) => {
    const [payment] = await world.sql`
      SELECT id FROM payment WHERE community_id = ${world.community.id}
      ORDER BY order_id = ${id} DESC LIMIT 1`;
    return { payment_id: payment?.id ?? id };
  },
};
