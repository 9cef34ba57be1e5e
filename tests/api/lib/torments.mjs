// Routes are called while one call of a kind after the other fails: the answer is right or a clear
// 503, nothing is half done, and the server goes on.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, story } from './story.mjs';
import { Books, Control, Torture, Unfit } from './torture.mjs';
import { CONSENTS, proof } from './visitor.mjs';
import { World } from './world.mjs';

const job = JSON.parse(process.env.LYCEUM_STORY);
export const control = new Control(join(job.out, `torture-${job.name}`));

export const server = {
  env: {
    LD_PRELOAD: process.env.TORTURE_LIBRARY,
    TORTURE: control.path,
    LYCEUM_LOOPS: '1',
    LYCEUM_PACE_SCALE: '1000000',
    LYCEUM_MESSAGE_DAILY_CAP: '1000000',
  },
};

const MS = 1_800_000;
const STEP = Number(process.env.TORTURE_STEP || 1);
/** Of each kind of route some: who comes, attends, teaches, keeps house, reads, leaves, and pays. */
const CHOSEN = `challenge_create sign_up sign_in session_refresh password_reset password_put
  session_end session_end_all me_get me_patch me_delete consent_post member_list member_patch
  code_redeem redemption_get code_create code_list code_change code_batch_create code_batch_export
  campaign_create product_create plan_create entitlement_grant entitlement_void lecture_list
  lecture_create lecture_change lecture_publish lecture_cancel lecturer_create venue_create check_in
  attendance_put attendance_export quote_create order_create order_cancel attempt_create
  payment_record refund_create gift_claim seat_put my_membership_change my_membership_pause
  my_membership_resume my_notices_change gateway_change webhook_create webhook_rotate webhook_test
  webhook_replay webhook_remove`.split(/\s+/);
/** Names of routes, or `all`. */
const wanted = process.env.TORTURE_ROUTE;
const chosen = (name) =>
  wanted ? wanted === 'all' || wanted.split(',').includes(name) : CHOSEN.includes(name);

/** Whom these spend: each time somebody else. */
const SPENDS = new Set(['me_delete', 'session_end_all', 'session_end', 'password_put']);
/** What changes codes; elsewhere a batch may still be minted. */
const CODES = ['code_redeem', 'code_create', 'code_change', 'entitlement_void'];
/** What is about codes of one's own, or orders, a lecture to attend, or somebody else's gift. */
const REDEEMERS = `check_in code_redeem redemption_get gift_claim invoice_request_create
  invoice_request_get invoice_request_withdraw quote_get`.split(/\s+/);
/** After an outcome that nobody knows, asking again may tell that it had been done. */
const SPENT = {
  challenge_create: ['rate_limited'],
  sign_up: ['challenge_failed'],
  password_reset: ['challenge_failed'],
  session_end: ['session_ended'],
  session_end_all: ['session_ended'],
  me_delete: ['session_ended'],
  password_put: ['password_wrong'],
  lecture_publish: ['state_forbids'],
  lecture_cancel: ['too_late'],
  entitlement_void: ['already_void'],
  webhook_remove: ['not_found'],
  invoice_request_change: ['state_forbids'],
};
/** What others write while these run. */
const asideOf = (name) => [
  ...(CODES.includes(name) ? [] : ['invite_code', 'code_batch']),
  ...(name === 'webhook_test' ? [] : ['webhook_delivery']),
  ...(/^webhook_(test|replay)/.test(name) ? ['webhook_endpoint'] : []), // how its deliveries went
];
/** What is also asked without an Idempotency-Key, and what is read from a cursor on. */
const KEYLESS = ['code_redeem', 'code_create'];
const PAGED = ['lecture_list', 'member_list', 'code_list'];
/** No setting of the stories' servers makes the first two answer; others want a provider's signature. */
const ABSENT = `apple_app_site_association asset_links gateway_notification
  test_provider`.split(/\s+/);

/** Bodies that succeed, where those of World are refused on purpose. */
const BODIES = {
  challenge_create: ({ random }) => ({ contact: `${random()}@example.org`, purpose: 'sign_up' }),
  sign_up: async (context) => ({
    ...(await proof(context, `${context.random()}@example.org`)),
    ...CONSENTS,
    display_name: 'New',
  }),
  sign_in: async ({ people }) => {
    const { email, password } = await people.member({ signIn: false });
    return { login: email, password };
  },
  password_reset: async (context) => {
    const { email } = await context.people.member({ signIn: false });
    return { ...(await proof(context, email, 'reset')), password: 'a quite long new password' };
  },
  session_refresh: async ({ people }) => ({ refresh_token: (await people.member()).refresh }),
};

/** What must be so before, each time: a community has twenty webhooks at most. */
const BEFORE = {
  webhook_create: async ({ api }, { keeper }) => {
    const { body } = await api.as(keeper).get('/v1/webhooks');
    for (const { id } of body.data) await api.as(keeper).delete(`/v1/webhooks/${id}`);
  },
};

async function operations(api) {
  const { body } = await api.get('/openapi.json');
  return Object.entries(body.paths)
    .flatMap(([path, verbs]) =>
      Object.entries(verbs).map(([method, op]) => ({
        path,
        method: method.toUpperCase(),
        name: op.operationId,
        keyed: (op.parameters ?? []).some((one) => /dempotency/.test(one.$ref ?? one.name)),
      })),
    )
    .filter(({ name }) => !ABSENT.includes(name) && chosen(name))
    .flatMap((op) => (KEYLESS.includes(op.name) ? [op, { ...op, keyed: false }] : [op]));
}

/** The same list from its second item on. */
async function secondPage(api, target, who) {
  const { body } = await api.as(who).get(`${target}?limit=1`);
  return body.next_cursor ? `${target}?limit=1&cursor=${body.next_cursor}` : target;
}

/** Makes the request of a route anew: with its own things, and a key where it takes one. */
function maker(context, world, { path, method, name, keyed }) {
  return async () => {
    let who = REDEEMERS.includes(name) ? world.redeemer : world.keeper;
    if (SPENDS.has(name)) who = await world.person();
    await BEFORE[name]?.(context, world);
    const parameters = await world.parameters(path, who);
    const own = BODIES[name];
    const body = own ? await own(context) : await world.body(name, parameters, who);
    let target = path.replace(/\{(\w+)\}/g, (_, part) => parameters[part]);
    if (PAGED.includes(name)) target = await secondPage(context.api, target, who);
    const headers = keyed ? { 'Idempotency-Key': context.random() } : {};
    return { who: BODIES[name] ? null : who, method, target, body, headers };
  };
}

const descriptors = ({ pid }) => readdirSync(`/proc/${pid}/fd`).length;

async function open(context) {
  const community = await context.another();
  const here = { ...context, community, people: context.people.in(community) };
  const world = await new World(here, community).open();
  const books = await Books.open(context.sql);
  const torture = new Torture({ ...context, control, books, program: job.server });
  return { here, world, torture };
}

/** The chosen routes, one kind of failure. */
async function all(context, kind) {
  const { here, world, torture } = await open(context);
  const ops = await operations(context.api);
  await torture.recover();
  const before = descriptors(context.server);
  for (const op of ops) {
    const { name, keyed } = op;
    const began = Date.now();
    const how = {
      step: STEP,
      once: keyed || name === 'code_redeem',
      spent: SPENT[name],
      aside: asideOf(name),
    };
    try {
      const { reached, done } = await torture.run(name, maker(here, world, op), kind, how);
      if (process.env.TORTURE_SAYS)
        console.log(`      ${name}: ${reached} in ${Date.now() - began} ms; ${done}`);
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      torture.wrong.push(`${name}: ${error.message}`);
    }
  }
  const { tally, places, slowest, wrong } = torture;
  console.log(
    `      ${ops.length} requests, ${tally.failures} ${kind} failures at ${places.size} places: ` +
      `${tally.ok} well, ${tally.told} told, ${tally.unknown} unknown, ${tally.closed} closed; ` +
      `slowest ${slowest} ms`,
  );
  let more;
  for (let i = 0; i < 500; i++) {
    more = descriptors(context.server) - before;
    if (more <= 2) break;
    await sleep(20);
  }
  if (more > 2) wrong.push(`${more} descriptors more than before`);
  if (wrong.length) throw new Error(`${wrong.length} wrong:\n${wrong.slice(0, 40).join('\n')}`);
  expect(ops.length).atLeast(wanted ? 1 : 30);
}

export function torment(kind) {
  story(`Every ${kind} fails once, in turn`, (context) => all(context, kind), MS);
}
