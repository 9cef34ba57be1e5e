// What the routes of receipts, invoices and reports need to be called well, and who may: for
// world.mjs and the story attack_rights.
import { CashBox } from './cashbox.mjs';

const settled = (world) =>
  new CashBox(world, world.keeper).sell(world.redeemer, {
    kind: 'purchase',
    plan_id: world.plan.id,
  });

const order = async (world) => (await settled(world)).id;

async function asked(world) {
  const body = bodies.invoice_request_create();
  const path = `/v1/orders/${await order(world)}/invoice-request`;
  return (await world.shown(path, body, world.redeemer)).id;
}

/** Where one noun has several makers, the rest of the path tells which. */
export const makers = {
  'orders/receipt': order,
  'orders/receipt.pdf': order,
  'orders/invoice-request': order,
  'invoice-requests': asked,
};

export const bodies = {
  invoice_request_create: () => ({ kind: 'personal', title: 'Somebody' }),
  invoice_request_change: () => ({ state: 'refused', reason: 'It was paid elsewhere' }),
};

const notFound = (...others) =>
  Object.fromEntries(
    ['lapsed', 'muted', 'guest', 'lecturer', 'another lecturer', ...others].map((who) => [
      who,
      'not_found',
    ]),
  );

/** One's own, and (but for what only oneself may ask for or take back) operators'. */
export const own = {
  receipt_get: notFound(),
  receipt_pdf: notFound(),
  invoice_request_create: notFound('operator', 'owner'),
  invoice_request_get: notFound(),
  invoice_request_withdraw: notFound('operator', 'owner'),
};
