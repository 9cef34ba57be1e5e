// What stories of lectures stand on: people with a session, a membership, lectures at any time.
import { openSession } from './tokens.mjs';
import { uuid7 } from './people.mjs';

const MINUTE = 60_000;
const words = (en) => JSON.stringify({ en });

/** A local time as the API takes it, in UTC, so many minutes from now. */
export const wall = (minutes) => new Date(Date.now() + minutes * MINUTE).toISOString().slice(0, 16);

export class School {
  constructor({ sql, forge, people, community }) {
    Object.assign(this, { sql, forge, people, community });
  }

  /** Somebody of a role with a session: `await school.person('operator')`. */
  async person(role = 'member', more = {}) {
    const person = await this.people[role]({ signIn: false, ...more });
    return openSession(this.sql, this.forge, person);
  }

  /** A member whose membership runs. */
  async entitled(more) {
    const person = await this.person('member', more);
    await this.entitle(person);
    return person;
  }

  async entitle(person, from = '-40 days', until = '40 days') {
    const { product, plan } = await this.#product();
    await this.sql`
      INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source)
      VALUES (${this.community.id}, ${person.id}, ${uuid7()}, ${product}, ${plan},
              tstzrange(now() + ${from}::interval, now() + ${until}::interval), 'trial')`;
  }

  async #product() {
    if (this.made) return this.made;
    this.made = { product: uuid7(), plan: uuid7() };
    const { product, plan } = this.made;
    await this.sql`
      INSERT INTO product (community_id, id, slug, kind, name)
      VALUES (${this.community.id}, ${product}, 'membership', 'membership', ${words('Member')})`;
    await this.sql`
      INSERT INTO plan (community_id, id, product_id, slug, version, name, price_minor, currency,
                        period_unit, period_count)
      VALUES (${this.community.id}, ${plan}, ${product}, 'year', 1, ${words('A year')}, 100, 'CNY',
              'year', 1)`;
    return this.made;
  }

  /** A lecture that begins so many minutes from now, on the schedule; gives its id. */
  async lecture(begins, { status = 'scheduled', audience = 'members', ...more } = {}) {
    const id = uuid7();
    const { minutes = 60 } = more;
    const { lecturer = null, cohort = null, room = null, title = 'A talk' } = more;
    const published = status === 'draft' ? null : new Date();
    await this.sql`
      INSERT INTO lecture (community_id, id, status, title, start_wall, tz, start_at, minutes,
        published_at, audience, lecturer_id, cohort_id, room_url)
      VALUES (${this.community.id}, ${id}, ${status}, ${words(title)},
        now() AT TIME ZONE 'UTC' + make_interval(mins => ${begins}), 'UTC',
        now() + make_interval(mins => ${begins}), ${minutes}, ${published}, ${audience},
        ${lecturer}, ${cohort}, ${room})`;
    return id;
  }

  /** A course and who is enrolled in it since long ago. */
  async cohort(...people) {
    const id = uuid7();
    await this.sql`
      INSERT INTO cohort (community_id, id, slug, name)
      VALUES (${this.community.id}, ${id}, ${`c-${id.slice(-12)}`}, ${words('A course')})`;
    for (const { id: member } of people) {
      await this.sql`
        INSERT INTO enrolment (community_id, cohort_id, member_id, enrolled_at)
        VALUES (${this.community.id}, ${id}, ${member}, now() - interval '30 days')`;
    }
    return id;
  }
}
