// Orders made and paid by the database's own functions, for stories about what stands in the books.
import { uuid7 } from './people.mjs';

export class CashBox {
  constructor({ sql, community }, operator) {
    Object.assign(this, { sql, community: community.id, operator });
  }

  /** What `member` would pay; `code` is a discount's digest. */
  async quote(member, asked, code = null) {
    const [{ terms }] = await this.sql`
      SELECT quote_make(${this.community}, ${member.id}, ${JSON.stringify(asked)}::jsonb, ${code},
                        now()) AS terms`;
    if (terms.refusal) throw new Error(`quote_make: ${JSON.stringify(terms)}`);
    return terms;
  }

  /** An order that waits: { id, line, terms }. */
  async open(member, asked, { code, due = null, waits = null } = {}) {
    const terms = await this.quote(member, asked, code);
    const made = { id: uuid7(), line: uuid7(), terms, member };
    await this.sql`
      SELECT order_open(${this.community}, ${made.id}, ${made.line}, ${member.id}, NULL,
        ${JSON.stringify(terms)}::jsonb, ${terms.at}, now() + interval '1 hour', ${due}, ${waits})`;
    return made;
  }

  /** Pays it, in full unless told otherwise; `.payment` is its id. */
  async pay(order, { amount = order.terms.total_minor, fee = 0, ref = `T-${order.id}` } = {}) {
    if (order.terms.total_minor === 0) {
      await this.sql`SELECT order_settle(${this.community}, ${order.id}, now())`;
      return order;
    }
    const [came] = await this.sql`
      SELECT * FROM payment_record(${this.community}, ${order.id}, ${uuid7()}, 'hand', ${ref},
        ${amount}, ${order.terms.currency}, now(), ${fee}, ${this.operator.id}, 'Transfer', NULL)`;
    return { ...order, payment: came.payment_id, outcome: came.outcome };
  }

  async sell(member, asked, { code, due, waits, ...more } = {}) {
    return this.pay(await this.open(member, asked, { code, due, waits }), more);
  }

  async refund({ payment }, amount, { keeps = false } = {}) {
    const [{ done }] = await this.sql`
      SELECT refund_record(${this.community}, ${uuid7()}, ${payment}, ${`R-${uuid7()}`}, ${amount},
        'As the story asks', ${this.operator.id}, now(), ${keeps}, NULL) AS done`;
    return done;
  }
}
