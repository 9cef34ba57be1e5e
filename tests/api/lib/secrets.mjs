// What must never be in a log: each password, code, token and signature that a client of the stories
// sent or was given, searched for literally in all logs of the run, PostgreSQL's own included.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from './database.mjs';

const KEY_BYTES = 6; // nothing shorter is a secret here
const FORMS = /eyJ[\w-]{10,}\.[\w-]+|Bearer [\w-]/; // of tokens, whoever made them
const WORD = /^[a-z]+(_[a-z]+)*$/; // one that stands in every statement can't be told apart
const PREFIX = /^\d{4}-\d\d-\d\d [\d:.]+ UTC \[\d+\] \S+ /gm; // of PostgreSQL's lines: clock, process

/** PostgreSQL's log as db/private.sh has it, and where it ends now; nothing for somebody else's. */
export async function findServerLog(conninfo) {
  const client = await connect(conninfo, 'postgres');
  try {
    const { rows } = await client.query('SHOW data_directory');
    const path = join(rows[0].data_directory, 'server.log');
    return existsSync(path) ? { path, from: statSync(path).size } : null;
  } finally {
    await client.end();
  }
}

export class Secrets {
  #byStart = new Map();
  #all = new Set();

  add(list) {
    for (const secret of list) {
      this.#one(secret);
      if (/^[\dA-Z]+(-[\dA-Z]+)+$/.test(secret)) this.#one(secret.replaceAll('-', ''));
    }
  }

  #one(secret) {
    const bytes = Buffer.from(secret);
    if (bytes.length < KEY_BYTES || WORD.test(secret) || this.#all.has(secret)) return;
    this.#all.add(secret);
    const key = bytes.readUIntBE(0, KEY_BYTES);
    if (!this.#byStart.has(key)) this.#byStart.set(key, []);
    this.#byStart.get(key).push(bytes);
  }

  /** Each place where a secret stands, as what comes before it. */
  #find(text) {
    const log = Buffer.from(text);
    const found = [];
    let key = 0;
    for (let i = 0; i < log.length; i++) {
      key = (key % 0x10000000000) * 0x100 + log[i];
      const at = i - KEY_BYTES + 1;
      for (const secret of this.#byStart.get(key) ?? []) {
        if (log.compare(secret, 0, secret.length, at, at + secret.length) !== 0) continue;
        // A short run of digits may also be a duration or a size.
        const around = [log[at - 1], log[at + secret.length]].map((c) => String.fromCharCode(c));
        const alone = !/[\w.=]/.test(around[0]) && !/\w/.test(around[1]);
        if (secret.length > 10 || alone) found.push(log.toString('utf8', Math.max(0, at - 120), at));
      }
    }
    return found;
  }

  /** Searches; gives { found, said }. */
  search(folder, serverLog) {
    const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
    const texts = logs.map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
    if (serverLog) {
      const bytes = readFileSync(serverLog.path).subarray(serverLog.from);
      texts.push(["PostgreSQL's", bytes.toString('utf8').replace(PREFIX, '')]);
    }
    const found = [];
    let size = 0;
    for (const [name, text] of texts) {
      size += text.length;
      found.push(...this.#find(text).map((before) => `${name}: a secret, after: ${before}`));
      if (FORMS.test(text)) found.push(`${name}: a token: ${FORMS.exec(text)[0].slice(0, 12)}…`);
    }
    const whose = serverLog ? 'with' : 'without';
    const many = `${this.#all.size} secrets in ${texts.length} logs of ${(size / 1e6).toFixed(1)} MB`;
    return { found, said: `${many}, ${whose} PostgreSQL's` };
  }
}
