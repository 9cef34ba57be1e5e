// Communities and the people in them, made quickly with SQL; they sign in over HTTP.
import { randomBytes } from 'node:crypto';
import { randomId } from './database.mjs';

export const PASSWORD = 'a long enough password';
// Of PASSWORD with the least work Argon2 knows, so that a story can sign in many people.
const PASSWORD_HASH =
  '$argon2id$v=19$m=8,t=1,p=1$bHljZXVtLXN0b3J5LXNhbHQ$Bw2KTiHG/13+lIJl0JMMDAak0eQkHKIJCXyeFuBoosw';

let lastAt = 0;

/** UUIDv7 (RFC 9562); each is greater than the one before. */
export function uuid7() {
  lastAt = Math.max(Date.now(), lastAt + 1);
  const hex =
    lastAt.toString(16).padStart(12, '0') + '7' + randomBytes(10).toString('hex').slice(1);
  const s = `${hex.slice(0, 16)}8${hex.slice(17)}`;
  return [s.slice(0, 8), s.slice(8, 12), s.slice(12, 16), s.slice(16, 20), s.slice(20, 32)].join(
    '-',
  );
}

/** A community with rules and a privacy text; `.path` is where its public part lives. */
export async function makeCommunity(sql, { slug = `c-${randomId()}`, ...more } = {}) {
  const { kind = 'training', zone = 'Asia/Shanghai', name = 'A community' } = more;
  const words = (en, zh) => JSON.stringify({ en, 'zh-CN': zh });
  const [{ id }] = await sql`
    INSERT INTO community (slug, kind, zone, name)
    VALUES (${slug}, ${kind}, ${zone}, ${words(name, '社区')}) RETURNING id`;
  await sql`
    INSERT INTO community_text (community_id, kind, version, body)
    SELECT ${id}, k, 1, ${words('Be kind.', '请友善。')}
    FROM unnest(ARRAY['rules', 'privacy']) k`;
  return { id, slug, path: `/v1/communities/${slug}` };
}

/** Makes people of one community: `await people.member({ name: 'Ann' })`. */
export class People {
  #sql;
  #api;
  #community;

  constructor(sql, api, community) {
    this.#sql = sql;
    this.#api = api;
    this.#community = community;
  }

  in(community) {
    return new People(this.#sql, this.#api, community);
  }

  owner(more) {
    return this.make({ role: 'owner', ...more });
  }

  operator(more) {
    return this.make({ role: 'operator', ...more });
  }

  /** A lecturer has a page of their own, too: `.lecturer` is its id. */
  async lecturer(more) {
    const person = await this.make({ role: 'lecturer', ...more });
    person.lecturer = uuid7();
    await this.#sql`
      INSERT INTO lecturer (community_id, id, member_id, slug, name)
      VALUES (${this.#community.id}, ${person.lecturer}, ${person.id}, ${`l-${randomId()}`},
              ${JSON.stringify({ en: person.name })})`;
    return person;
  }

  member(more) {
    return this.make({ role: 'member', ...more });
  }

  /** `count` members at once. */
  members(count, more) {
    return Promise.all(Array.from({ length: count }, () => this.member(more)));
  }

  async make({ role = 'member', name = 'Somebody', email, consents = true, signIn = true } = {}) {
    const person = {
      id: uuid7(),
      account: uuid7(),
      name,
      role,
      email: email ?? `${role}-${randomId()}@example.org`,
      password: PASSWORD,
      community: this.#community,
    };
    await this.#insert(person, consents);
    return signIn ? this.signIn(person) : person;
  }

  async #insert(person, consents) {
    const { id, account, name, role, email } = person;
    await this.#sql`INSERT INTO account (id) VALUES (${account})`;
    await this.#sql`
      INSERT INTO identity (id, account_id, provider, subject, proven_at)
      VALUES (${uuid7()}, ${account}, 'email', ${email}, now())`;
    await this.#sql`
      INSERT INTO credential (account_id, password_hash) VALUES (${account}, ${PASSWORD_HASH})`;
    await this.join(person, this.#community, { role, name, id, consents });
  }

  /** The same person in another community. */
  async join(
    person,
    community,
    { role = 'member', name = person.name, id = uuid7(), consents = true } = {},
  ) {
    await this.#sql`
      INSERT INTO member (community_id, id, account_id, role, display_name)
      VALUES (${community.id}, ${id}, ${person.account}, ${role}, ${name})`;
    if (role === 'owner') {
      await this.#sql`
        INSERT INTO community_keeper (community_id, member_id) VALUES (${community.id}, ${id})
        ON CONFLICT (community_id) DO NOTHING`;
    }
    if (consents) {
      await this.#sql`
        INSERT INTO consent (community_id, member_id, kind, version)
        SELECT community_id, ${id}, kind, version FROM community_text
        WHERE community_id = ${community.id} AND kind IN ('rules', 'privacy')`;
    }
    return id;
  }

  /** Signs in with the password, as the app would; `.token` and `.refresh` are what came. */
  async signIn(person, community = this.#community) {
    const ask = () =>
      this.#api.post(`${community.path}/sessions`, {
        login: person.email,
        password: person.password,
        device_name: 'a story',
      });
    let reply = await ask();
    // Many at once fill the queue of passwords: they come again, as the app does.
    for (let i = 0; i < 60 && [429, 503].includes(reply.status); i++) {
      await new Promise((done) => setTimeout(done, 250));
      reply = await ask();
    }
    if (reply.status >= 300) throw new Error(`${person.email} can't sign in: ${reply.text}`);
    person.token = reply.body.access_token;
    person.refresh = reply.body.refresh_token;
    return person;
  }
}
