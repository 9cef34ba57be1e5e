// Two years of a community, day by day, on PostgreSQL and a server whose clock is moved: members buy,
// renew in time, late or not at all, upgrade, pause, come back, give, redeem and are refunded. All of
// it over HTTP. In the end every member's access on every day is what lib/model.mjs works out from
// the rules alone, and the books add up to the cent.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, story } from '../api/lib/story.mjs';
import { Shop } from '../api/lib/shop.mjs';
import { openSession } from '../api/lib/tokens.mjs';
import { Account, DAY } from './lib/model.mjs';
import { chances } from './lib/chances.mjs';

const MEMBERS = Number(process.env.YEARS_MEMBERS ?? 200);
const DAYS = Number(process.env.YEARS_DAYS ?? 730);
const STEP = 3; // days
const LADDER = 15; // days after which an unpaid renewal ends the membership
const SEED = Number(process.env.YEARS_SEED ?? 1);
const clockFile = process.env.YEARS_CLOCK;
const fake = {
  LD_PRELOAD: process.env.YEARS_LIBRARY,
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
  FAKETIME_TIMESTAMP_FILE: clockFile,
  FAKETIME_NO_CACHE: '1',
};

export const server = { env: { LYCEUM_PACE_SCALE: '100000', ...fake } };

const TERMS = {
  month: { price: 3000, unit: 'month', count: 1, grace: 3, tier: 1, renews: true },
  gold: { price: 10000, unit: 'month', count: 1, grace: 3, tier: 2, renews: true },
  platinum: { price: 24000, unit: 'month', count: 1, grace: 3, tier: 3, renews: true },
  year: { price: 30000, unit: 'year', count: 1, grace: 7, tier: 1, renews: true },
  weeks: { price: 1500, unit: 'week', count: 2, grace: 0, tier: 1, renews: false },
};

class Years {
  constructor(stage) {
    Object.assign(this, stage);
    this.offset = 0;
    this.counts = {};
    this.paid = 0;
    this.refunded = 0;
  }

  get now() {
    return Date.now() + this.offset;
  }

  /** Moves both clocks to this offset from ours, in whole days. */
  travel(days) {
    this.offset = days * DAY;
    writeFileSync(clockFile, `+${days * 86400}\n`);
  }

  /** When the server has done all that had come due: walked through everybody, and closed orders. */
  async swept() {
    for (const since = Date.now(); ; await sleep(50)) {
      const [{ done }] = await this.sql`
        SELECT EXISTS (SELECT FROM life_walk w WHERE w.community_id = ${this.community.id}
            AND w.after_id IS NULL AND w.walked_at > now() - interval '5 minutes')
          AND NOT EXISTS (SELECT FROM orders o WHERE o.community_id = ${this.community.id}
            AND o.closed_at IS NULL AND o.settled_at IS NULL AND o.expires_at <= now()) AS done`;
      if (done) return;
      if (Date.now() - since > 60_000) throw new Error('the sweeps take more than a minute');
    }
  }

  /** An hour's token is signed anew for each call: it is always good by the server's clock. */
  async as(person) {
    const seconds = Math.floor(this.now / 1000);
    const token = await this.forge(person, { iat: seconds - 5, exp: seconds + 600 });
    return this.api.as({ ...person, token });
  }

  async good(asked) {
    const reply = await asked;
    if (reply.status >= 300) {
      throw new Error(`${reply.request.method} ${reply.request.target}: ${reply.text}`);
    }
    return reply.body;
  }

  count(what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  async open() {
    this.travel(0);
    this.operator = await this.people.owner({ name: 'The operator' });
    const shop = new Shop(this.api, this.operator);
    const product = await shop.product();
    this.plans = {};
    for (const [name, t] of Object.entries(TERMS)) {
      const plan = await shop.plan({
        product,
        price_minor: t.price,
        period_unit: t.unit,
        period_count: t.count,
        grace_days: t.grace,
        tier: t.tier,
        renews: t.renews,
      });
      this.plans[name] = { ...t, id: plan.id, name };
    }
    this.code = await shop.code({
      plan: this.plans.month,
      days: 10,
      max_uses: 100_000,
    });
    const people = [];
    for (let i = 0; i < MEMBERS; i++) {
      const person = await this.people.make({ name: `Member ${i}`, signIn: false });
      people.push(await openSession(this.sql, this.forge, person));
    }
    this.members = people.map((person, i) => ({
      person,
      account: new Account(),
      chance: chances(SEED * 100_003 + i),
      redeemed: false,
    }));
  }

  // ---- what members do

  async quote(m, asked) {
    return this.good((await this.as(m.person)).post('/v1/quotes', asked));
  }

  /** Orders what was quoted, and the operator writes down that it was paid. */
  async order(m, quote) {
    const order = await this.good(
      (await this.as(m.person)).post('/v1/orders', { quote_id: quote.id }),
    );
    expect(order.total_minor).is(quote.total_minor);
    if (order.total_minor > 0) await this.pay(order);
    return order;
  }

  async pay(order) {
    const body = {
      amount_minor: order.total_minor,
      currency: order.currency,
      reference: `slip ${order.id}`,
      note: 'A transfer',
    };
    await this.good((await this.as(this.operator)).post(`/v1/orders/${order.id}/payments`, body));
    this.paid += order.total_minor;
  }

  async buy(m) {
    const plan = m.chance.of(Object.values(this.plans));
    const quote = await this.quote(m, { kind: 'purchase', plan_id: plan.id });
    const at = this.now;
    const order = await this.order(m, quote);
    expect(order.total_minor).is(plan.price);
    m.account.buy(at, plan, order.id, plan.price);
    this.count('bought');
  }

  async upgrade(m) {
    if (!m.account.plan || !this.inForce(m)) return;
    const tier = Math.max(m.account.piece(this.now).plan.tier, m.account.plan.tier);
    const plan = { 1: this.plans.gold, 2: this.plans.platinum }[tier];
    if (!plan) return;
    const quote = await this.quote(m, { kind: 'upgrade', plan_id: plan.id });
    const at = Date.parse(quote.starts_at);
    const { credit } = m.account.upgradePrice(at, plan);
    if (plan.price - credit !== quote.total_minor) {
      throw new Error(`${m.person.name}: credit is ${credit}, told ${JSON.stringify(quote)}`);
    }
    const order = await this.order(m, quote);
    m.account.upgrade(at, plan, order.id);
    this.count(tier === 1 ? 'upgraded' : 'upgraded again');
  }

  /** In a piece, not only in its grace, and not about to leave it. */
  inForce(m) {
    return m.account.pieces.some((p) => p.from <= this.now && this.now + 60_000 < p.to);
  }

  async standing(m) {
    const { data } = await this.good((await this.as(m.person)).get('/v1/me/memberships'));
    return data.find((one) => !one.ended_at);
  }

  async pause(m) {
    if (!this.inForce(m) || m.account.isPaused(this.now)) return;
    const one = await this.standing(m);
    if (!one) return;
    const until = Math.floor(this.now / 1000) * 1000 + m.chance.between(10, 60) * DAY;
    const at = this.now;
    await this.good(
      (await this.as(m.person)).post(`/v1/me/memberships/${one.id}/pause`, {
        resume_at: new Date(until).toISOString(),
      }),
    );
    m.account.startPause(at, until);
    this.count('paused');
  }

  async resume(m) {
    const one = await this.standing(m);
    await this.good((await this.as(m.person)).post(`/v1/me/memberships/${one.id}/resume`));
    m.account.endPause(this.now);
    this.count('resumed');
  }

  async redeem(m) {
    m.redeemed = true;
    await this.good(
      (await this.as(m.person)).post('/v1/redemptions', { code: this.code.code }),
    );
    m.account.days(this.now, 10, this.plans.month);
    this.count('redeemed');
  }

  async give(m) {
    const to = m.chance.of(this.members);
    if (to === m) return;
    const plan = this.plans.month;
    await this.order(m, await this.quote(m, { kind: 'gift', plan_id: plan.id }));
    const { data } = await this.good((await this.as(m.person)).get('/v1/me/gifts?limit=1'));
    await this.good(
      (await this.as(to.person)).post('/v1/gifts/claim', { token: data[0].claim_token }),
    );
    to.account.gift(this.now, plan);
    this.count('given');
  }

  async refund(m) {
    const own = [...m.account.orders].filter(([, o]) => o.paid && !o.refunded && !o.credited);
    const [id, order] = own.at(-1) ?? [];
    if (!id || order.credit || m.account.isPaused(this.now)) return;
    const amount = order.paid;
    await this.good(
      (await this.as(this.operator)).post(`/v1/orders/${id}/refunds`, {
        amount_minor: amount,
        reason: 'As the member asked',
        reference: `back ${id}`,
      }),
    );
    m.account.refund(this.now, id);
    this.refunded += amount;
    this.count('refunded');
  }

  async cancel(m) {
    const one = await this.standing(m);
    if (!one || !m.account.renews || !this.inForce(m)) return;
    await this.good((await this.as(m.person)).post(`/v1/me/memberships/${one.id}/cancel`, {}));
    m.account.renews = false;
    this.count('cancelled');
  }

  /** The house opens a renewal order in time; who pays, pays then, late, or never. */
  async renew(m) {
    const { data } = await this.good(
      (await this.as(m.person)).get('/v1/me/orders?status=pending&kind=renewal'),
    );
    const order = data[0];
    const left = (m.account.end - this.now) / DAY;
    if (!order) {
      const due = m.account.renews && left > 0 && left < 10 && !m.account.isPaused(this.now);
      if (due) throw new Error(`${m.person.name} has no renewal order ${left} days before the end`);
      return;
    }
    m.mood ??= m.chance.weighted({ early: 60, late: 20, never: 20 });
    const pays = m.mood === 'early' || (m.mood === 'late' && left < -2);
    if (!pays) return;
    const { plan } = m.account;
    expect(order.total_minor).is(plan.price);
    const at = this.now;
    await this.pay(order);
    m.account.buy(at, plan, order.id, plan.price, { renewal: true });
    m.mood = undefined;
    this.count(left < 0 ? 'renewed late' : 'renewed');
  }

  async act(m) {
    const { chance, account } = m;
    const lapsed = account.end < this.now;
    if (account.isPaused(this.now) && chance.in(20)) return this.resume(m);
    await this.renew(m);
    if (lapsed && account.end < this.now - LADDER * DAY) account.renews = false;
    if (lapsed && chance.in(8)) return this.buy(m);
    if (!m.redeemed && chance.in(40)) return this.redeem(m);
    if (chance.in(60)) return this.upgrade(m);
    if (chance.in(60)) return this.pause(m);
    if (chance.in(150)) return this.give(m);
    if (chance.in(100)) return this.refund(m);
    if (chance.in(120)) return this.cancel(m);
    return undefined;
  }

  // ---- what is compared

  async access(days) {
    const moments = days.map((day) => new Date(this.began + day * DAY).toISOString());
    return this.sql`
      SELECT m.id, t.ord::int - 1 AS day,
        EXISTS (SELECT FROM entitled(${this.community.id}, m.id, t.at)) AS allowed
      FROM unnest(${moments}::timestamptz[]) WITH ORDINALITY AS t (at, ord)
      CROSS JOIN member m
      WHERE m.community_id = ${this.community.id}`;
  }

  /** Who is in on these days, by the database and by the model; the first difference is told. */
  async compare(days) {
    const byId = new Map(this.members.map((m) => [m.person.id, m]));
    let looked = 0;
    for (const { id, day, allowed } of await this.access(days)) {
      const m = byId.get(id);
      if (!m) continue;
      looked++;
      const at = this.began + days[day] * DAY;
      if (m.account.isIn(at) === allowed) continue;
      const pieces = m.account.pieces.map((p) =>
        [p.from, p.to].map((t) => new Date(t).toISOString()).concat(p.grace, p.order),
      );
      throw new Error(
        `${m.person.name} ${id} at ${new Date(at).toISOString()}: the server says ${allowed}\n` +
          pieces.map((p) => p.join(' ')).join('\n'),
      );
    }
    return looked;
  }

  /** Some of them by the endpoint that operators ask. */
  async spotCheck(day) {
    const operator = await this.as(this.operator);
    for (let i = 0; i < 3; i++) {
      const m = this.members[(day * 7 + i * 31) % this.members.length];
      const { allowed } = await this.good(operator.get(`/v1/members/${m.person.id}/access`));
      expect(allowed).is(m.account.isIn(this.now));
    }
  }

  async books() {
    const [sums] = await this.sql`
      SELECT
        sum(amount_minor) FILTER (WHERE event = 'payment')::bigint AS paid,
        coalesce(sum(amount_minor) FILTER (WHERE event = 'refund'), 0)::bigint AS refunded,
        coalesce(sum(amount_minor) FILTER (WHERE debit = 'owed'), 0)::bigint
          - sum(amount_minor) FILTER (WHERE credit = 'owed')::bigint AS owed
      FROM ledger WHERE community_id = ${this.community.id}`;
    expect(sums.paid).is(this.paid);
    expect(sums.refunded).is(this.refunded);
    expect(sums.owed).is(0);
    const { code, out, err } = await this.lyceum('doctor --books', { env: fake }).done;
    if (code !== 0) throw new Error(`${out}${err}`);
  }
}

story(
  `${DAYS} days of ${MEMBERS} members: access on each day is what the rules say`,
  async (stage) => {
    const years = new Years(stage);
    await years.open();
    years.began = Math.floor(Date.now() / DAY) * DAY + 1000; // a moment at which nobody acts
    const past = [];
    for (let day = STEP; day <= DAYS; day += STEP) {
      years.travel(day);
      await years.swept();
      for (const m of years.members) await years.act(m);
      await years.spotCheck(day);
      past.push(day);
      if (day % 30 === 0) {
        await years.compare(past.slice(-10));
        console.log(`day ${day} of ${DAYS}: ${JSON.stringify(years.counts)}`);
      }
    }
    const days = Array.from({ length: DAYS }, (_, i) => i);
    let looked = 0;
    for (let i = 0; i < days.length; i += 30) looked += await years.compare(days.slice(i, i + 30));
    await years.books();
    console.log(`${looked} days of members compared: ${JSON.stringify(years.counts)}`);
  },
  3_600_000,
);
