// What a member is owed, worked out from the rules alone: a list of pieces of time and plain
// arithmetic. It reads nothing of the server's tables and shares no code with them.
//
//   - What is bought, given or redeemed is appended where the last piece ends, or begins now.
//   - A period goes by the calendar in UTC; a month that is too short ends on its last day, and the
//     next one ends on the day of the first again.
//   - An upgrade begins now. What is left of what was paid for becomes credit, rounded down order by
//     order; what the credit leaves over becomes time. Pieces that were not paid for come after it.
//     What was credited to an upgrade was paid for: it counts again when that one is upgraded.
//   - A pause moves all that is left behind its end; coming back moves it forward again.
//   - A refund in full takes back what lies ahead of it, and what follows moves up.
//   - Grace follows the last moment of a piece that was not cut off.

export const DAY = 86_400_000;

const daysIn = (year, month) => new Date(Date.UTC(year, month + 1, 0)).getUTCDate();

/** The end of one period that begins at `from`; `anchor` is the day of the month of the first. */
export function periodEnd(from, { unit, count }, anchor) {
  const at = new Date(from);
  if (unit === 'day') return from + count * DAY;
  if (unit === 'week') return from + count * 7 * DAY;
  const months = at.getUTCMonth() + count * (unit === 'year' ? 12 : 1);
  const year = at.getUTCFullYear() + Math.floor(months / 12);
  const month = ((months % 12) + 12) % 12;
  const own = at.getUTCDate();
  const onAnchor =
    anchor !== undefined && own === Math.min(anchor, daysIn(at.getUTCFullYear(), at.getUTCMonth()));
  const day = Math.min(onAnchor ? anchor : own, daysIn(year, month));
  return Date.UTC(year, month, day) + (from % DAY);
}

export class Account {
  pieces = []; // {from, to, grace, plan, order}, in order of time
  orders = new Map(); // id -> {paid, credit, refunded, credited}
  plan = null;
  anchor = undefined;
  renews = false;
  pause = null; // {from, until}

  get end() {
    return this.pieces.length ? this.pieces.at(-1).to : -Infinity;
  }

  isPaused(at) {
    return this.pause !== null && this.pause.from <= at && at < this.pause.until;
  }

  /** May they in at this moment? */
  isIn(at) {
    return this.pieces.some((p) => p.from <= at && at < p.to + p.grace * DAY);
  }

  /** The piece that is in force at this moment. */
  piece(at) {
    return this.pieces.find((p) => p.from <= at && at < p.to);
  }

  #append(at, ends, grace, plan, order = null) {
    const from = Math.max(at, this.end);
    const piece = { from, to: ends(from), grace, plan, order };
    this.pieces.push(piece);
    return piece;
  }

  /** A period of a plan that was paid for. */
  buy(at, plan, order, paid, { renewal = false } = {}) {
    const follows = renewal && this.end > at;
    const anchor = follows ? this.anchor : undefined;
    const piece = this.#append(at, (from) => periodEnd(from, plan, anchor), plan.grace, plan, order);
    this.orders.set(order, { paid, credit: 0, refunded: 0, credited: 0 });
    this.#stand(plan, piece.from, follows);
    return piece;
  }

  #stand(plan, from, follows) {
    if (!plan.renews) return;
    if (!follows || this.anchor === undefined) this.anchor = new Date(from).getUTCDate();
    this.plan = plan;
    this.renews = true;
  }

  /** Days of a plan by a code, without grace. */
  days(at, count, plan) {
    return this.#append(at, (from) => from + count * DAY, 0, plan);
  }

  /** A period that somebody else paid for. */
  gift(at, plan) {
    return this.#append(at, (from) => periodEnd(from, plan), plan.grace, plan);
  }

  /** What is left of each order at a moment, in minor units. */
  credits(at) {
    const left = new Map();
    for (const [id, order] of this.orders) {
      const own = this.pieces.filter((p) => p.order === id);
      const whole = own.reduce((sum, p) => sum + (p.to - p.from), 0);
      const ahead = own.reduce((sum, p) => sum + Math.max(0, p.to - Math.max(p.from, at)), 0);
      if (!ahead) continue;
      const worth = order.paid + order.credit - order.refunded;
      const share = Number((BigInt(worth) * BigInt(Math.round(ahead))) / BigInt(whole));
      left.set(id, Math.min(share, worth - order.credited));
    }
    return left;
  }

  /** The price of an upgrade now. */
  upgradePrice(at, plan) {
    const credit = [...this.credits(at).values()].reduce((a, b) => a + b, 0);
    return { credit: Math.min(credit, plan.price), spare: Math.max(0, credit - plan.price) };
  }

  upgrade(at, plan, order) {
    const { credit, spare } = this.upgradePrice(at, plan);
    for (const [id, minor] of this.credits(at)) {
      this.orders.get(id).credited += minor;
      this.#cut(at, (p) => p.order === id);
    }
    this.#pull(at);
    const period = periodEnd(at, plan) - at;
    const seconds = Math.round((Math.floor(period / 1000) * spare) / plan.price);
    const length = period + seconds * 1000;
    this.#makeRoom(at, length);
    this.pieces.push({ from: at, to: at + length, grace: plan.grace, plan, order });
    this.#sort();
    const paid = plan.price - credit;
    this.orders.set(order, { paid, credit: credit + spare, refunded: 0, credited: 0 });
    this.#stand(plan, at, false);
    return paid;
  }

  startPause(at, until) {
    this.#makeRoom(at, until - at);
    this.pause = { from: at, until };
  }

  endPause(at) {
    if (!this.pause || this.pause.until <= at) return;
    for (const p of this.pieces)
      if (p.from >= this.pause.until) {
        p.from -= this.pause.until - at;
        p.to -= this.pause.until - at;
      }
    this.pause = null;
  }

  refund(at, order) {
    const paid = this.orders.get(order);
    paid.refunded = paid.paid - paid.credited;
    this.#cut(at, (p) => p.order === order);
    this.#pull(at);
    if (this.end <= at) this.renews = false;
  }

  /** Takes away what lies ahead of `at` of some pieces. */
  #cut(at, which) {
    for (const p of this.pieces.filter(which)) {
      if (p.to <= at) continue;
      p.to = Math.max(p.from, at);
      p.grace = 0;
    }
    this.pieces = this.pieces.filter((p) => p.to > p.from);
  }

  /** What follows moves up, but not into a pause. */
  #pull(at) {
    let place = this.pause && this.pause.until > at ? this.pause.until : at;
    for (const p of this.pieces) {
      if (p.from < place) place = Math.max(place, p.to);
      else if (p.from > place) {
        p.to -= p.from - place;
        p.from = place;
        place = p.to;
      } else place = p.to;
    }
  }

  /** All that is left from `at` on moves behind a gap of this length; a piece in force is cut. */
  #makeRoom(at, length) {
    const rest = [];
    for (const p of this.pieces) {
      if (p.from >= at) {
        p.from += length;
        p.to += length;
      } else if (p.to > at) {
        rest.push({ ...p, from: at + length, to: p.to + length });
        p.to = at;
        p.grace = 0;
      }
    }
    this.pieces.push(...rest);
    this.#sort();
  }

  #sort() {
    this.pieces.sort((a, b) => a.from - b.from);
  }
}
