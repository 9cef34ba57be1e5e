// Who may do what: every route that the server tells of, called by everybody. What is expected
// follows from the route's own `.who` (`x-who` of /openapi.json) and from the few tables below.
import { expect, figure, story, uuid7 } from './lib/story.mjs';
import { World } from './lib/world.mjs';
import * as orders from './lib/world_orders.mjs';
import { PAYMENT_OPEN, PAYMENT_OWN, PAYMENT_REFERENCES } from './lib/world_payments.mjs';
import * as books from './lib/world_books.mjs';

export const server = { env: { LYCEUM_PACE_SCALE: '100000' } };

const RANKS = { guest: 0, member: 0, lecturer: 1, operator: 2, owner: 3 };
const NEEDED = { signed_in: 0, lecturers: 1, operators: 2, owners: 3 };

/** Whatever the answer to others, these routes answer so: they are about what one knows or has. */
const OPEN = {
  ...PAYMENT_OPEN,
  apple_app_site_association: 'not_found',
  asset_links: 'not_found',
  sign_up: 'challenge_failed',
  sign_in: 'sign_in_failed',
  password_reset: 'challenge_failed',
  session_refresh: 'token_invalid',
};

/** Where the rank suffices and something else is asked for: who of these gets which problem. */
const LECTURES = { 'another lecturer': 'not_allowed' };
const UNPAID = {
  lapsed: 'membership_required',
  guest: 'membership_required',
  lecturer: 'membership_required',
  'another lecturer': 'membership_required',
  operator: 'membership_required',
  owner: 'membership_required',
};
const OWN = {
  ...orders.own,
  ...PAYMENT_OWN,
  ...books.own,
  lecture_change: LECTURES,
  lecture_cancel: LECTURES,
  lecture_publish: { 'another lecturer': 'not_found' }, // a draft does not exist for others
  check_in_code_get: LECTURES,
  check_in_code_picture: LECTURES,
  attendance_list: LECTURES,
  attendance_export: LECTURES,
  attendance_summary: LECTURES,
  attendance_put: LECTURES,
  check_in: UNPAID,
  redemption_get: Object.fromEntries(
    ['lapsed', 'muted', 'guest', 'lecturer', 'another lecturer', 'operator', 'owner'].map((who) => [
      who,
      'not_found',
    ]),
  ),
};
/** What names a thing of this community in its body, as others are told of it. */
const NAMES_THINGS = {
  ...orders.namesThings,
  code_redeem: 'code_refused',
  check_in: 'check_in_refused', // before anything is looked up: the code is not this community's
  code_create: 'body_invalid',
  code_batch_create: 'body_invalid',
};
/** After these the caller is not who they were: each time somebody else calls. */
const SPENDS = new Set(['me_delete', 'session_end_all', 'session_end', 'password_put']);

/** Everybody: { who, rank, foreign, gone (the problem that all they ask gets), person, make }. */
async function callers(world, abroad, { forge, api }) {
  const now = Math.floor(Date.now() / 1000);
  const expired = await world.person('owner');
  expired.token = await forge(expired, { iat: now - 901, exp: now - 1 });
  const left = await world.person('owner');
  expect(await api.as(left).delete(`/v1/me/sessions/${left.session}`)).status(204);
  const fallen = await world.person('owner');
  await world.change(fallen, { role: 'member', reason: 'No longer' });
  const [suspended, banned] = [
    await world.in('suspended', 'operator'),
    await world.in('banned', 'operator'),
  ];
  const gone = {
    nobody: [{}, 'not_signed_in'],
    'an owner whose token expired': [expired, 'token_expired'],
    'an owner who signed out': [left, 'session_ended'],
    'an owner no more': [fallen, 'session_ended'],
    suspended: [suspended, 'session_ended'],
    banned: [banned, 'session_ended'],
  };
  const makers = {
    guest: () => world.person('guest'),
    member: () => world.entitled(),
    lapsed: () => world.lapsed(),
    muted: () => world.muted(),
    lecturer: () => world.person('lecturer'),
    'another lecturer': () => world.person('lecturer'),
    operator: () => world.person('operator'),
    owner: () => world.person('owner'),
  };
  const all = Object.entries(gone).map(([who, [person, problem]]) => ({
    who,
    person,
    gone: problem,
  }));
  for (const [who, make] of Object.entries(makers)) {
    const person = { lecturer: world.teacher, member: world.redeemer }[who] ?? (await make());
    all.push({ who, person, make, rank: person.role });
  }
  for (const role of ['member', 'lecturer', 'operator', 'owner']) {
    const make = () => abroad.person(role);
    const who = `${role} of another community`;
    all.push({ who, person: await make(), make, rank: role, foreign: true });
  }
  return all;
}

/** Every operation of the document: { name, method, path, who, body }. */
async function operations(api) {
  const { body } = await api.get('/openapi.json');
  return Object.entries(body.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([method, op]) => ({
      path,
      method: method.toUpperCase(),
      name: op.operationId,
      who: op['x-who'],
      query: (op.parameters ?? []).filter((one) => one.in === 'query'),
      pages: (op.parameters ?? []).some((one) => one.$ref?.endsWith('/cursor')),
      schema: op.requestBody?.content['application/json']?.schema,
    })),
  );
}

const fill = (path, parameters) => path.replace(/\{(\w+)\}/g, (_, name) => parameters[name]);

/** What a caller is due: a problem's code, or null for success. */
function due(op, caller) {
  if (op.who === 'anyone') return OPEN[op.name] ?? null;
  if (caller.gone) return caller.gone;
  if (RANKS[caller.rank] < NEEDED[op.who]) return 'not_allowed';
  if (caller.foreign) return NAMES_THINGS[op.name] ?? (nameless(op) ? null : 'not_found');
  return OWN[op.name]?.[caller.who] ?? null;
}

const nameless = ({ name, path }) => !path.includes('{') || name === 'session_end';

story('Everybody calls every route, and gets what the route table says', async (stage) => {
  const { api, another } = stage;
  const world = await new World(stage).open();
  const abroad = await new World(stage, await another()).open();
  const everybody = await callers(world, abroad, stage);
  const ops = await operations(api);
  const wrong = [];
  const tried = { calls: 0, allowed: 0 };
  for (const op of ops) {
    let sent;
    for (const caller of everybody) {
      const problem = due(op, caller);
      const { method } = op;
      const person = SPENDS.has(op.name) && caller.make ? await caller.make() : caller.person;
      // What is refused changes nothing, so the next one can try it with the same, if it is not
      // about what one has oneself.
      if (!sent || sent.used || op.path.startsWith('/v1/me/')) {
        const parameters = await world.parameters(op.path, person);
        sent = { parameters, body: await world.body(op.name, parameters, person) };
      }
      const reply = await api.as(person).send(method, fill(op.path, sent.parameters), sent.body);
      sent.used = reply.status < 300 || SPENDS.has(op.name);
      tried.calls++;
      if (!problem && reply.status < 400) tried.allowed++;
      const good = problem ? reply.body?.code === problem : reply.status < 400;
      const said = `${reply.status} ${reply.body?.code ?? ''}`;
      if (!good)
        wrong.push(`${method} ${op.path} by ${caller.who}: ${said}, not ${problem ?? 200}`);
      if (caller.foreign && op.who !== 'anyone' && world.isIn(reply))
        wrong.push(`${method} ${op.path} shows ${caller.who} what is not theirs`);
    }
  }
  console.log(`      ${ops.length} routes x ${everybody.length} callers: ${tried.allowed} allowed`);
  expect(wrong).is([]);
  figure('rights', wrong.length, `of ${tried.calls}`);
});

/** What a member of a body is called, and what else must be said for it to be looked at. */
const REFERENCES = {
  ...orders.references,
  ...PAYMENT_REFERENCES,
  plan_id: (world) => ({ plan_id: world.plan.id }),
  'lecture_compensate/product_id': (world) => ({
    plan_id: undefined,
    product_id: world.plan.product_id,
  }),
  next_plan_id: async (world, { id, membership_id: theirs }, home) => {
    const membership = theirs ?? id;
    const [{ product_id: product }] =
      await home.sql`SELECT product_id FROM membership WHERE id = ${membership}`;
    const other = world === home ? { product: { id: product } } : {};
    return { next_plan_id: (await world.shop.plan({ ...other, renews: true })).id };
  },
  lecturer_id: (world) => ({ lecturer_id: world.teacher.lecturer }),
  venue_id: (world) => ({ venue_id: world.hall.id }),
  cohort_id: (world) => ({ cohort_id: world.course, audience: 'cohort' }),
  campaign_id: async (world) => ({ campaign_id: (await world.shop.campaign()).id }),
  member_id: async (world) => ({ member_id: (await world.entitled()).id }),
  made_up_by: async (world, { id, member_id: here }, home) => {
    const member = world === home ? here : (await world.entitled()).id;
    const other = await world.lecture(-500);
    await home.mark(id, here);
    await world.mark(other, member);
    return { made_up_by: other, state: 'made_up' };
  },
};
const NOT_HERE = [403, 404, 422];
const isId = ({ format }) => format === 'uuid';

story('Another community’s things are found by no path and no body', async (stage) => {
  const { api, another } = stage;
  const world = await new World(stage).open();
  const abroad = await new World(stage, await another()).open();
  const tried = { paths: 0, bodies: 0 };
  for (const op of (await operations(api)).filter(({ who }) => who !== 'anyone')) {
    const { name, method, path } = op;
    const caller = name === 'check_in' ? world.redeemer : world.keeper;
    const asked = async (parameters, more) => {
      const body = { ...(await world.body(name, parameters, caller)), ...more };
      return api.as(caller).send(method, fill(path, parameters), op.schema ? body : undefined);
    };
    const theirs = await abroad.parameters(path, abroad.keeper);
    for (const [, part] of path.matchAll(/\{(\w+)\}/g)) {
      const ours = await world.parameters(path, caller);
      const reply = await asked({ ...ours, [part]: theirs[part] });
      // A body that is made for a lecture which is not there can't be made; any is refused.
      const said = `${name} with another's ${part}: ${reply.text}`;
      expect(NOT_HERE.includes(reply.status)).isTrue(said);
      tried.paths++;
    }
    for (const [member] of Object.entries(op.schema?.properties ?? {}).filter(([, s]) => isId(s))) {
      const refer = REFERENCES[`${name}/${member}`] ?? REFERENCES[member];
      if (!refer) throw new Error(`REFERENCES: what is ${member} of ${name}?`);
      let parameters = await world.parameters(path, caller);
      const good = await asked(parameters, await refer(world, parameters, world));
      // It is the community that decides, and nothing else.
      expect(good.status < 300).isTrue(`${name} with ${member}: ${good.text}`);
      parameters = await world.parameters(path, caller);
      const reply = await asked(parameters, await refer(abroad, parameters, world));
      expect(NOT_HERE.includes(reply.status)).isTrue(`${name} with another's ${member}`);
      tried.bodies++;
    }
  }
  console.log(`      ${tried.paths} in paths, ${tried.bodies} in bodies`);
  expect(tried.paths).atLeast(40);
  expect(tried.bodies).atLeast(10);
});

story('Another community’s ids and cursors in a query find nothing', async (stage) => {
  const { api, another } = stage;
  const world = await new World(stage).open();
  const abroad = await new World(stage, await another()).open();
  const tried = { ids: 0, cursors: 0 };
  const lists = (await operations(api)).filter(({ pages, who }) => pages && who !== 'anyone');
  for (let i = 0; i < 2; i++) { // so that lists of theirs have a second page
    for (const { path } of await operations(api)) await abroad.parameters(path, abroad.keeper);
  }
  for (const op of lists) {
    const { name, path } = op;
    const here = fill(path, await world.parameters(path, world.keeper));
    for (const { name: parameter } of op.query.filter(({ schema }) => isId(schema))) {
      const of = async (id) => {
        const reply = await api.as(world.keeper).get(here, { query: { [parameter]: id } });
        expect(reply).status(200);
        return reply.body;
      };
      const ids = [abroad.plan.product_id, abroad.teacher.lecturer, abroad.keeper.id];
      const nothing = await of(uuid7());
      expect(nothing.data).is([]);
      for (const id of ids) expect(await of(id)).is(nothing);
      tried.ids++;
    }
    const there = fill(path, await abroad.parameters(path, abroad.keeper));
    const query = { limit: 1 };
    const theirs = await api.as(abroad.keeper).get(there, { query });
    if (!theirs.body.has_more) continue;
    const cursor = theirs.body.next_cursor;
    const reply = await api.as(world.keeper).get(here, { query: { cursor } });
    const shown = reply.status < 300 && abroad.isIn(reply);
    expect(shown).is(false, `${name} shows what its cursor came from`);
    tried.cursors++;
  }
  console.log(`      ${tried.ids} ids, ${tried.cursors} cursors`);
  expect(tried.ids).atLeast(6);
  expect(tried.cursors).atLeast(5);
});

const MORE = { community_id: 1, account_id: uuid7(), role: 'owner', used: 0, id: 1, version: 1 };

story('What a body or a query has too much is refused, and named', async (stage) => {
  const { api } = stage;
  const world = await new World(stage).open();
  const tried = { members: 0, queries: 0 };
  for (const op of await operations(api)) {
    const { name, method, path, schema } = op;
    const caller = op.who === 'anyone' ? null : world.keeper;
    const parameters = await world.parameters(path, world.keeper);
    const target = fill(path, parameters);
    const body = await world.body(name, parameters, world.keeper);
    if (schema) {
      const extra = Object.entries(MORE).filter(([member]) => !schema.properties[member]);
      const all = { ...body, ...Object.fromEntries(extra) };
      const reply = await api.as(caller).send(method, target, all);
      expect(reply).problem('body_invalid', 422);
      for (const [member] of extra) expect(reply).fault(`/${member}`, 'unknown');
      tried.members += extra.length;
    }
    const reply = await api.as(caller).send(method, target, body, { query: { community_id: '1' } });
    if (reply.status !== 400) throw new Error(`${method} ${path}?community_id=1: ${reply.status}`);
    expect(reply).problem('query_invalid', 400).fault('community_id', 'unknown');
    tried.queries++;
  }
  console.log(`      ${tried.members} members, ${tried.queries} queries`);
});
