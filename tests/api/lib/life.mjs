// Memberships that live: bought and paid with SQL, moved in time by moving their rows, and tended by
// the server's own sweep.
import { expect, eventually, uuid7 } from './story.mjs';
import { Shop } from './shop.mjs';

const DAY = 86_400_000;

/** When it is so many days from now (or from `from`), as the API takes it. */
export const inDays = (days, from = Date.now()) =>
  new Date(new Date(from).getTime() + days * DAY).toISOString();

export class Life {
  constructor({ api, sql, people, community, session }) {
    Object.assign(this, { api, sql, people, community, session });
  }

  static async open(stage) {
    const life = new Life(stage);
    life.operator = await stage.people.operator();
    life.shop = new Shop(stage.api, life.operator);
    life.console = stage.api.as(life.operator);
    return life;
  }

  /** A monthly plan of 30.00 that renews, unless told otherwise. */
  plan(more) {
    return this.shop.plan({
      price_minor: 3000,
      period_unit: 'month',
      renews: true,
      name: { en: 'A month', 'zh-CN': '月卡' },
      ...more,
    });
  }

  /** The order that somebody makes of a plan; `at` is when they ask. */
  async order(who, plan, { kind = 'purchase', at = new Date(), ...more } = {}) {
    const id = uuid7();
    const asked = JSON.stringify({ kind, plan_id: plan.id, ...more });
    const [{ terms }] = await this.sql`
      SELECT quote_make(${this.community.id}, ${who.id}, ${asked}::jsonb, NULL, ${at}) AS terms`;
    if (terms.refusal) throw new Error(`${plan.slug}: ${JSON.stringify(terms)}`);
    await this.sql`
      SELECT order_open(${this.community.id}, ${id}, ${uuid7()}, ${who.id}, NULL,
        ${JSON.stringify(terms)}::jsonb, ${at}, ${at}::timestamptz + interval '1 hour', NULL, NULL)`;
    if (terms.total_minor === 0) {
      await this.sql`SELECT order_settle(${this.community.id}, ${id}, ${at})`;
    }
    return { id, ...terms };
  }

  /** Money for an order; the answer is what became of it. */
  async pay(order, { at = new Date(), ref = uuid7() } = {}) {
    const [paid] = await this.sql`
      SELECT p.* FROM orders o, payment_record(o.community_id, o.id, ${uuid7()}, 'test', ${ref},
        o.total_minor, o.currency, ${at}, 0, NULL, NULL, NULL) p
      WHERE o.community_id = ${this.community.id} AND o.id = ${order.id ?? order.order_id}`;
    return paid;
  }

  /** Somebody who has just bought a plan: { person, me, membership, path }. */
  async joined(plan, { at, ...more } = {}) {
    const person = await this.people.member({ name: 'Ann' });
    const order = await this.order(person, plan, { at });
    if (order.total_minor > 0) expect((await this.pay(order, { at })).outcome).is('counted');
    return this.known(person, more);
  }

  async known(person) {
    const me = this.api.as(person);
    const { data } = (await me.get('/v1/me/memberships')).body;
    const path = `/v1/me/memberships/${data[0].id}`;
    const theirs = `/v1/members/${person.id}/memberships/${data[0].id}`;
    const now = async () => {
      const reply = await me.get(path);
      expect(reply).status(200);
      return reply.body;
    };
    return { person, me, membership: data[0], path, theirs, now };
  }

  /** Lets time pass for one member, by moving all that is theirs into the past. */
  async pass({ id }, time) {
    const c = this.community.id;
    await this.sql`
      UPDATE membership SET paused_at = paused_at - ${time}::interval,
        resume_at = resume_at - ${time}::interval, started_at = started_at - ${time}::interval,
        ended_at = ended_at - ${time}::interval
      WHERE community_id = ${c} AND member_id = ${id}`;
    await this.sql`
      UPDATE orders SET due_at = due_at - ${time}::interval,
        expires_at = expires_at - ${time}::interval, created_at = created_at - ${time}::interval,
        closed_at = closed_at - ${time}::interval, settled_at = settled_at - ${time}::interval
      WHERE community_id = ${c} AND member_id = ${id}`;
    await this.sql`
      UPDATE order_line l SET starts_at = l.starts_at - ${time}::interval,
        ends_at = l.ends_at - ${time}::interval
      FROM orders o WHERE o.community_id = ${c} AND o.member_id = ${id} AND l.order_id = o.id`;
    await this.sql`
      UPDATE end_told SET ends_at = ends_at - ${time}::interval
      WHERE community_id = ${c} AND member_id = ${id}`;
    // The earliest first: none may meet another on the way.
    const spans = await this.sql`
      SELECT id FROM entitlement WHERE community_id = ${c} AND member_id = ${id}
      ORDER BY lower(span)`;
    for (const span of spans) {
      await this.sql`
        UPDATE entitlement SET created_at = created_at - ${time}::interval,
          voided_at = voided_at - ${time}::interval,
          span = tstzrange(lower(span) - ${time}::interval, upper(span) - ${time}::interval)
        WHERE community_id = ${c} AND member_id = ${id} AND id = ${span.id}`;
    }
  }

  /** The sweep keeps away for an hour: what a story tells of other days is not its business. */
  async rest() {
    await this.sql`
      INSERT INTO life_walk (community_id, walked_at)
      VALUES (${this.community.id}, now() + interval '1 hour')
      ON CONFLICT (community_id) DO UPDATE SET walked_at = excluded.walked_at, after_id = NULL`;
  }

  /** Lets the sweep walk through the community now, and waits until it has; `most` walks where a
   * member's row may be busy, for those are left for the next one. */
  async walk(most = 1) {
    const c = this.community.id;
    let left;
    for (let tries = 0; tries < most; tries++) {
      await this.sql`
        INSERT INTO life_walk (community_id) VALUES (${c})
        ON CONFLICT (community_id) DO UPDATE SET walked_at = '-infinity', after_id = NULL`;
      await eventually(async () => {
        const [walk] = await this.sql`
          SELECT walked_at > now() - interval '1 minute' AND after_id IS NULL AS done
          FROM life_walk WHERE community_id = ${c}`;
        return walk?.done === true;
      });
      const all = await this.sql`
        SELECT x.member_id, life_due(${c}, x.member_id, x.product_id, w.walked_at) AS what
        FROM life_walk w CROSS JOIN (
          SELECT member_id, product_id FROM entitlement WHERE community_id = ${c}
          UNION SELECT member_id, product_id FROM membership WHERE community_id = ${c}) x
        WHERE w.community_id = ${c}`;
      left = all.filter(({ what }) => what !== null);
      if (!left.length) return;
    }
    expect(left).is([], 'the walk has done all that was due');
  }

  /** What was told to somebody under topics that begin so, in order: [{ topic, payload }]. */
  told({ id }, topic = '') {
    return this.sql`
      SELECT topic, payload FROM outbox
      WHERE community_id = ${this.community.id} AND subject_id = ${id}
        AND starts_with(topic, ${topic}) ORDER BY at, id`;
  }

  async topics(person, topic) {
    return (await this.told(person, topic)).map((one) => one.topic);
  }

  /** The renewal that waits, as its order stands. */
  async renewal({ id }) {
    const [order] = await this.sql`
      SELECT o.*, l.plan_id, l.starts_at, l.ends_at, l.discount_minor FROM orders o
      JOIN order_line l ON l.community_id = o.community_id AND l.order_id = o.id
      WHERE o.community_id = ${this.community.id} AND o.member_id = ${id} AND o.kind = 'renewal'
      ORDER BY o.created_at DESC, o.id DESC LIMIT 1`;
    return order;
  }

  /** Runs `n` of them at the same time, on 16 connections: `ask(i)` is [SQL, values]. Answers their
   * first rows; what failed is its error. */
  async crowd(n, ask) {
    const sessions = await Promise.all(Array.from({ length: 16 }, () => this.session()));
    const one = (i) =>
      sessions[i % 16].query(...ask(i)).then(
        ({ rows }) => rows[0],
        (error) => error,
      );
    const all = await Promise.all(Array.from({ length: n }, (_, i) => one(i)));
    await Promise.all(sessions.map((session) => session.end()));
    return all;
  }

  /** All live time that somebody has or had, in microseconds: no change but a payment, a gift or a
   * refund may make it more or less. */
  async time({ id }) {
    const [{ all, overlap }] = await this.sql`
      SELECT coalesce(sum(extract(epoch FROM upper(span) - lower(span)) * 1000000), 0)::bigint AS all,
        (SELECT count(*)::int FROM entitlement a JOIN entitlement b USING (member_id, product_id)
         WHERE a.member_id = ${id} AND a.id < b.id AND a.span && b.span
           AND a.voided_at IS NULL AND b.voided_at IS NULL) AS overlap
      FROM entitlement
      WHERE community_id = ${this.community.id} AND member_id = ${id} AND voided_at IS NULL`;
    expect(overlap).is(0, 'no moment is had twice');
    return all;
  }
}

/** Is a change told by its preview as it then comes about? Moments of the change itself, which is a
 * little later, are looked at to the minute of their distance. */
export function alike(preview, made) {
  const shift = (path) => Date.parse(path(made.after)) - Date.parse(path(preview.after));
  expect(preview.after.status).is(made.after.status);
  expect(preview.after.spans.length).is(made.after.spans.length);
  expect(preview.after.auto_renew).is(made.after.auto_renew);
  expect(preview.after.renewal?.total_minor).is(made.after.renewal?.total_minor);
  expect(preview.before.spans).is(made.before.spans);
  if (preview.after.ends_at) expect(Math.abs(shift((m) => m.ends_at))).atMost(60_000);
}
