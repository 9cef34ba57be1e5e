// What the routes of quotes, orders, gifts and seats need to be called well, and who may: for
// world.mjs and the story attack_rights.
import { Till } from './till.mjs';
import { uuid7 } from './people.mjs';

const till = (world, person) => new Till(world, person);
const quoted = async (world, person, more) => {
  const reply = await till(world, person).quote({ plan_id: world.plan.id, ...more });
  return reply.id;
};

async function sold(world, kind, more) {
  const product = await world.shop.product({ kind });
  const once = kind === 'membership' ? {} : { period_unit: undefined, period_count: undefined };
  return world.shop.plan({ product, ...once, ...more });
}

async function seat(world) {
  const plan = await sold(world, 'membership', { seats: 1 });
  await till(world, world.redeemer).buy({ kind: 'seats', plan_id: plan.id });
  const { body } = await world.api.as(world.redeemer).get('/v1/me/seats');
  return body.data[0].id;
}

async function gift(world) {
  await till(world, world.keeper).buy({ kind: 'gift', plan_id: world.plan.id });
  const { body } = await world.api.as(world.keeper).get('/v1/me/gifts');
  return body.data[0].claim_token;
}

export const makers = {
  quotes: (world) => quoted(world, world.redeemer),
  orders: async (world) => (await till(world, world.redeemer).order({ plan_id: world.plan.id })).id,
  seats: seat,
};

export const bodies = {
  plan_change: () => ({ visibility: 'public' }),
  quote_create: (world) => ({ kind: 'purchase', plan_id: world.plan.id }),
  order_create: async (world, parameters, caller) => ({
    quote_id: await quoted(world, caller === world.keeper ? caller : world.redeemer),
  }),
  my_spend_limit_change: () => ({ limit_minor: 0 }),
  member_spend_limit_change: () => ({ limit_minor: null, reason: 'As the story asks' }),
  gift_claim: async (world) => ({ token: await gift(world) }),
  seat_put: async (world) => ({ member_id: (await world.person('member')).id }),
};

const everybody = (problem, ...others) =>
  Object.fromEntries(
    ['lapsed', 'muted', 'guest', 'lecturer', 'another lecturer', ...others].map((who) => [
      who,
      problem,
    ]),
  );

/** One's own, and (but for quotes) operators'. */
export const own = {
  quote_get: everybody('not_found', 'operator', 'owner'),
  order_create: everybody('body_invalid', 'operator', 'owner'),
  order_get: everybody('not_found'),
  order_cancel: everybody('not_found'),
  seat_get: everybody('not_found'),
  seat_put: everybody('not_found'),
  seat_delete: everybody('not_found'),
};

/** What others are told of a thing that their body names. */
export const namesThings = {
  quote_create: 'body_invalid',
  order_create: 'body_invalid',
  gift_claim: 'gift_unknown',
};

async function standing({ sql, community, keeper, plan }) {
  const id = uuid7();
  const [found] = await sql`
    INSERT INTO membership (community_id, id, member_id, product_id, plan_id, auto_renew)
    VALUES (${community.id}, ${id}, ${keeper.id}, ${plan.product_id}, ${plan.id}, true)
    ON CONFLICT DO NOTHING RETURNING id`;
  return found.id;
}

/** What a member of a body names, by the operation: and what else must be said for it. */
export const references = {
  'quote_create/lecture_id': async (world) => ({
    kind: 'ticket',
    plan_id: (await sold(world, 'ticket')).id,
    lecture_id: await world.lecture(600),
  }),
  'quote_create/lecturer_id': async (world) => ({
    kind: 'tip',
    plan_id: (await sold(world, 'donation')).id,
    lecturer_id: world.teacher.lecturer,
  }),
  'quote_create/membership_id': async (world) => ({
    kind: 'renewal',
    plan_id: undefined,
    membership_id: await standing(world),
  }),
  'order_create/quote_id': async (world) => ({ quote_id: await quoted(world, world.keeper) }),
};
