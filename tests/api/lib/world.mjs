// A community with everybody in it and one of each thing, for stories that try all routes. What a
// new route needs to be called well is said here: how its `{id}` is made, and its body.
import * as notices from './world_notices.mjs';
import { School, wall } from './school.mjs';
import { Shop } from './shop.mjs';
import { openSession } from './tokens.mjs';
import { randomId } from './database.mjs';
import * as orders from './world_orders.mjs';
import { PAYMENT_BODIES, PAYMENT_MAKERS } from './world_payments.mjs';
import * as life from './world_life.mjs';
import * as books from './world_books.mjs';

const words = (en) => ({ en });
const soon = () => new Date(Date.now() + 86_400_000).toISOString();

export class World extends School {
  constructor(stage, community = stage.community) {
    super({ ...stage, people: stage.people.in(community), community });
    this.api = stage.api;
  }

  async open() {
    this.keeper = await this.person('owner');
    this.teacher = await this.person('lecturer');
    this.redeemer = await this.entitled();
    this.shop = new Shop(this.api, this.keeper);
    this.plan = await this.shop.plan();
    this.hall = await this.shown('/v1/venues', { name: words('Hall'), time_zone: 'UTC' });
    this.course = await this.cohort();
    return this;
  }

  /** Somebody who is a role only by name: their state is changed by the owner, as it would be. */
  async in(state, role = 'member') {
    const person = await this.person(role);
    await this.change(person, { state, reason: 'As the story asks' });
    return person;
  }

  async person(role = 'member', more = {}) {
    if (role !== 'guest') return super.person(role, more);
    const guest = await this.people.make({ role, signIn: false, ...more });
    return openSession(this.sql, this.forge, guest);
  }

  async lapsed() {
    const person = await this.person();
    await this.entitle(person, '-80 days', '-40 days');
    return person;
  }

  async muted() {
    const person = await this.entitled();
    await this.sql`
      UPDATE member SET state = 'muted', state_reason = 'As the story asks', state_by = id
      WHERE id = ${person.id}`;
    return person;
  }

  /** Is anything of this community in an answer, besides what was asked for by name? */
  isIn({ text: whole, request }) {
    const text = whole.replaceAll(request.target, '');
    const { keeper, teacher, plan, hall, course, community } = this;
    const people = [keeper.id, keeper.account, teacher.id, teacher.lecturer];
    const things = [plan.id, plan.product_id, hall.id, course, community.slug];
    return [...people, ...things].some((mark) => text.includes(mark));
  }

  change({ id }, body) {
    return this.#good(this.api.as(this.keeper).patch(`/v1/members/${id}`, body));
  }

  async #good(asked) {
    const reply = await asked;
    if (reply.status >= 300) throw new Error(`${reply.request.target}: ${reply.text}`);
    return reply.body;
  }

  /** Made by the owner over HTTP, and shown as it came back. */
  shown(path, body, who = this.keeper) {
    return this.#good(this.api.as(who).post(path, body));
  }

  /** A lecture of the lecturer's; those before it are nobody's, for one is not at two at once. */
  async talk(begins, more) {
    await this.sql`
      UPDATE lecture SET lecturer_id = NULL WHERE lecturer_id = ${this.teacher.lecturer}`;
    return this.lecture(begins, { lecturer: this.teacher.lecturer, ...more });
  }

  mark(lecture, member) {
    const path = `/v1/lectures/${lecture}/attendance/${member}`;
    return this.#good(this.api.as(this.keeper).put(path, BODIES.attendance_put()));
  }

  async code() {
    return this.shop.code({ plan: this.plan });
  }

  async batch() {
    const body = { count: 1, plan_id: this.plan.id, days: 30 };
    const made = await this.shown('/v1/code-batches', body);
    const { data } = await this.#good(this.api.as(this.keeper).get('/v1/code-batches'));
    return { job: made.id, batch: data[0].id };
  }

  comp() {
    const { plan } = this;
    return { kind: 'comp', plan_id: plan.id, reason: 'A present', ends_at: soon() };
  }

  async span() {
    const { id } = await this.person('member');
    const span = await this.shown(`/v1/members/${id}/grants`, this.comp());
    return { id, entitlement_id: span.id };
  }

  /** A path's parameters, all of this community; the caller's own where it is about them. */
  async parameters(path, caller) {
    const found = { slug: this.community.slug };
    const noun = /^\/v1\/(me\/[^/]+|[^/]+)/.exec(path)?.[1] ?? path.split('/')[2];
    for (const [name, make] of Object.entries({ ...life.parameters, ...notices.parameters })) {
      if (path.includes(`{${name}}`)) return { ...found, ...(await make(this, path)) };
    }
    if (path.includes('{entitlement_id}')) return { ...found, ...(await this.span()) };
    if (path.startsWith('/v1/me/sessions/')) return { ...found, id: caller.session };
    if (path.includes('{member_id}')) found.member_id = (await this.entitled()).id;
    if (path.includes('{id}')) {
      const make = MAKERS[`${noun}/${path.split('/').slice(4).join('/')}`] ?? MAKERS[noun];
      if (!make) throw new Error(`tests/api/lib/world.mjs: how is {id} of ${path} made?`);
      found.id = await make(this, path, caller);
    }
    return found;
  }

  /** A body that the route takes from who may call it. */
  async body(name, parameters, caller) {
    return BODIES[name] ? BODIES[name](this, parameters, caller) : undefined;
  }
}

const MAKERS = {
  ...orders.makers,
  ...PAYMENT_MAKERS,
  ...books.makers,
  ...life.makers,
  ...notices.makers,
  lectures: async (world, path) => {
    const id = await world.talk(/publish|cancel|\{id\}$/.test(path) ? 600 : -1, {
      status: path.endsWith('/publish') ? 'draft' : 'scheduled',
    });
    if (path.endsWith('/compensation')) await life.cancelLecture(world, id);
    return id;
  },
  lecturers: async (world) => (await world.shown('/v1/lecturers', BODIES.lecturer_create())).id,
  venues: async (world) => (await world.shown('/v1/venues', BODIES.venue_create())).id,
  products: async (world) => (await world.shop.product()).id,
  plans: async (world) => (await world.shop.plan()).id,
  campaigns: async (world) => (await world.shop.campaign()).id,
  codes: async (world) => (await world.code()).id,
  'code-batches': async (world) => (await world.batch()).batch,
  jobs: async (world) => (await world.batch()).job,
  members: async (world) => (await world.person('member')).id,
  redemptions: async (world) => {
    const { code } = await world.code();
    return (await world.shown('/v1/redemptions', { code }, world.redeemer)).id;
  },
};

const BODIES = {
  ...orders.bodies,
  ...PAYMENT_BODIES,
  ...life.bodies,
  ...books.bodies,
  ...notices.bodies,
  lecture_create: () => ({
    title: words('Talk'),
    local_start: wall(6000),
    time_zone: 'UTC',
    minutes: 60,
  }),
  lecture_change: () => ({ title: words('Another') }),
  lecture_cancel: () => ({ reason: 'The hall is flooded' }),
  lecturer_create: () => ({ slug: `l-${randomId()}`, name: words('Somebody') }),
  lecturer_update: () => ({ name: words('Somebody else') }),
  venue_create: () => ({ name: words('Hall'), time_zone: 'UTC' }),
  venue_update: () => ({ name: words('Garden') }),
  check_in: async (world, { id }) => {
    const shown = await world.api.as(world.keeper).get(`/v1/lectures/${id}/check-in-code`);
    return { code: shown.body.code, device_id: randomId() };
  },
  attendance_put: () => ({ state: 'present', reason: 'I saw them' }),
  code_redeem: async (world) => ({ code: (await world.code()).code }),
  entitlement_grant: (world) => world.comp(),
  entitlement_void: () => ({ reason: 'A mistake' }),
  product_create: () => ({ slug: `p-${randomId()}`, kind: 'camp', name: words('Camp') }),
  product_change: () => ({ name: words('Another') }),
  plan_create: (world) => world.shop.terms(),
  campaign_create: () => ({ name: 'Autumn' }),
  campaign_change: () => ({ name: 'Winter' }),
  code_create: (world) => ({ plan_id: world.plan.id, days: 30 }),
  code_change: () => ({ revoked: true }),
  code_batch_create: (world) => ({ count: 1, plan_id: world.plan.id, days: 30 }),
  challenge_create: () => ({ contact: `${randomId()}@example.org`, purpose: 'sign_up' }),
  sign_up: () => ({ ...PROOF(), display_name: 'New', rules_version: 1, privacy_version: 1 }),
  sign_in: () => ({ login: `${randomId()}@example.org`, password: 'not that one' }),
  password_reset: () => ({ ...PROOF(), password: 'a long enough password' }),
  session_refresh: () => ({ refresh_token: 'nothing of the kind' }),
  me_patch: () => ({ display_name: 'Renamed' }),
  session_switch: () => ({ device_name: 'Another' }),
  password_put: (world, parameters, { password }) => ({
    current_password: password ?? 'nobody has one',
    new_password: 'another long password',
  }),
  consent_post: () => ({ kind: 'rules', version: 1 }),
  member_patch: () => ({ state: 'muted', reason: 'Too loud' }),
};

const PROOF = () => ({ challenge: '01900000-0000-7000-8000-00000000dead', code: '000000' });
