// Buying in stories: a quote, its order, and money that comes in for it.
import { randomId } from './database.mjs';
import { uuid7 } from './people.mjs';

async function good(asked) {
  const reply = await asked;
  if (reply.status >= 300) throw new Error(`${reply.request.target}: ${reply.text}`);
  return reply.body;
}

/** A story about what is spent in a month does not begin in its last minute (of UTC). */
export async function notAtMonthsEnd() {
  const now = new Date();
  const left = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1) - now;
  if (left < 60_000) await new Promise((done) => setTimeout(done, left + 1000));
}

/** What one person buys in one community. */
export class Till {
  constructor({ api, sql, community }, person) {
    Object.assign(this, { sql, community, person, api: api.as(person) });
  }

  /** The same till for somebody else. */
  for(person) {
    return new Till(this, person);
  }

  /** `quote({ plan_id })` is a purchase; gives the reply. */
  quote(asked) {
    return this.api.post('/v1/quotes', { kind: 'purchase', ...asked });
  }

  /** An order of it; gives what the order says. */
  async order(asked) {
    const { id } = await good(this.quote(asked));
    return good(this.api.post('/v1/orders', { quote_id: id }));
  }

  /** An order of it that is paid. */
  async buy(asked) {
    return this.pay(await this.order(asked));
  }

  read({ id }) {
    return good(this.api.get(`/v1/orders/${id}`));
  }

  /** Money comes in for an order, as a provider would tell it; the order as it is then. */
  async pay(order, { amount = order.total_minor, ref = randomId(), at = new Date() } = {}) {
    await receive(this.sql, this.community, order, { amount, ref, at });
    return this.read(order);
  }
}

/** Only the money: gives what became of it. */
export async function receive(sql, community, order, { amount = order.total_minor, ...more } = {}) {
  if (amount === 0) return { outcome: 'counted' };
  const { ref = randomId(), at = new Date() } = more;
  const [row] = await sql`
    SELECT * FROM payment_record(${community.id}, ${order.id}, ${uuid7()}, 'test', ${ref},
                                 ${amount}, ${order.currency}, ${at}, 0, NULL, NULL, NULL)`;
  return row;
}
