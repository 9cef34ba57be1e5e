// Lets one call after the other fail while a request is under way (tests/torture/fail.c), and says
// what was wrong with the answer, with what was done, and with what came after.
import { closeSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export const KINDS = { allocation: 1, libpq: 2, libcurl: 4 };
const SIZE = 40 + 4000;
const STUCK_MS = 30_000;
/** Problems that say that nothing was done; `outcome_unknown` says that it is not known. */
const UNDONE = ['out_of_memory', 'database_away', 'busy'];
/** Counted, delivered or kept whatever becomes of the request, or by somebody else meanwhile. */
const ASIDE = [
  'challenge',
  'mailbox',
  'delivery',
  'job',
  'contact_budget',
  'delivery_budget',
  'outbox_cursor',
  'life_walk',
  'webhook_attempt',
];

/** The server goes on writing what is there: only how many more there are is looked at. */
const COUNTED = ['webhook_delivery'];

/** The file by which a server with the library preloaded is told what to let fail. */
export class Control {
  constructor(path) {
    this.path = path;
    this.file = openSync(path, 'w+');
    ftruncateSync(this.file, SIZE);
  }

  #write(at, ...numbers) {
    writeSync(this.file, new BigInt64Array(numbers.map(BigInt)), 0, numbers.length * 8, at);
  }

  /** From now on the calls `first` to `last` of these kinds fail, counted from here. */
  arm(kinds, first = 0, last = first) {
    this.#write(8, first, last, 0, 0);
    writeSync(this.file, Buffer.alloc(4000), 0, 4000, 40);
    this.#write(0, kinds);
  }

  /** From now on nothing fails: { count, failed, place }. */
  disarm() {
    this.#write(0, 0);
    const bytes = Buffer.alloc(SIZE);
    readSync(this.file, bytes, 0, SIZE, 0);
    return {
      count: Number(bytes.readBigInt64LE(24)),
      failed: Number(bytes.readBigInt64LE(32)),
      place: bytes.toString('latin1', 40).replace(/\0.*/s, '').trim().split('\n'),
    };
  }

  close() {
    closeSync(this.file);
  }
}

/** The lines of the server's own source in a place, innermost first. */
export function sources(place, program) {
  const ours = place.filter((line) => line.startsWith('lyceum+'));
  const offsets = ours.slice(0, 6).map((line) => /\+(\w+)/.exec(line)[1]);
  const names = place.filter((line) => !/^(lyceum|libfail)/.test(line)).slice(0, 4);
  if (!offsets.length) return names.join(' < ');
  const said = execFileSync('addr2line', ['-e', program, ...offsets], { encoding: 'utf8' });
  const lines = said.trim().split('\n').map((line) => line.split('/').slice(-2).join('/'));
  return [...names, ...lines].join(' < ');
}

/** What requests change: rows written since a moment, and how many rows more or fewer there are. */
export class Books {
  static async open(sql) {
    const books = new Books();
    const rows = await sql`
      SELECT relname AS name FROM pg_class
      WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`;
    const names = rows.map(({ name }) => name).filter((name) => !ASIDE.includes(name));
    const look = names
      .map((name) => `SELECT '${name}' AS name, count(*) AS rows,
        count(*) FILTER (WHERE xmin::text::bigint >= SINCE) AS written FROM ${name}`)
      .join(' UNION ALL ');
    books.look = (since) => sql([look.replaceAll('SINCE', String(Number(since)))]);
    books.now = async () => (await sql`SELECT pg_current_xact_id()::text::bigint AS x`)[0].x;
    return books;
  }

  async moment() {
    const since = await this.now();
    return { since, before: await this.look(since) };
  }

  /** Tables that others write meanwhile. */
  aside = [];

  /** In words: "redemption 1/+1" is one row written and one more. */
  async since({ since, before }) {
    const was = new Map(before.map(({ name, rows }) => [name, rows]));
    return (await this.look(since))
      .map(({ name, rows, written }) => {
        const more = rows - was.get(name);
        return { name, written: COUNTED.includes(name) ? more : written, more };
      })
      .filter(({ name, written, more }) => (written || more) && !this.aside.includes(name))
      .map(({ name, written, more }) => `${name} ${written}/${more >= 0 ? '+' : ''}${more}`)
      .sort()
      .join(', ');
  }
}

/** A request that does not even succeed while nothing fails. */
export class Unfit extends Error {}

/** Sends requests while calls fail. A request is { who, method, target, body, headers }. */
export class Torture {
  wrong = [];
  places = new Set();
  tally = { failures: 0, ok: 0, told: 0, unknown: 0, closed: 0 };
  slowest = 0;

  constructor({ api, server, control, books, program }) {
    Object.assign(this, { api, server, control, books, program });
  }

  send({ who, method, target, body, headers }) {
    const how = { headers: { Connection: 'close', ...headers }, alone: true };
    return this.api.as(who).send(method, target, body, how);
  }

  /** One request with failures: { reply (none when the connection broke), failed, place }. */
  async shot(request, kinds, first, last) {
    this.control.arm(kinds, first, last);
    const began = Date.now();
    const reply = await this.send(request).catch((error) => {
      if (/no answer/.test(error.message)) this.wrong.push(error.message);
    });
    const took = Date.now() - began;
    this.slowest = Math.max(this.slowest, took);
    return { reply, took, ...this.control.disarm() };
  }

  /** It goes on by itself: ready again, within the time of many dials. */
  async recover() {
    const until = Date.now() + STUCK_MS;
    for (;;) {
      if (this.server.gone) {
        const said = readFileSync(this.server.log, 'utf8').slice(-600);
        throw new Error(`the server is gone, after\n${said}`);
      }
      const reply = await this.api.get('/readyz', { alone: true }).catch(() => null);
      if (reply?.status === 200) return;
      if (Date.now() > until) throw new Error(`not ready after ${STUCK_MS} ms: ${reply?.text}`);
      await sleep(10);
    }
  }

  /** What is wrong with an answer and what was done, or nothing. */
  async #judge(reply, due, moment) {
    const done = await this.books.since(moment);
    if (!reply || reply.body?.code === 'outcome_unknown') {
      this.tally[reply ? 'unknown' : 'closed']++;
      if (reply && !reply.header('retry-after')) return 'no Retry-After';
      if (done === '' || done === due.done) return null;
      let later;
      for (let i = 0; i < 25; i++) {
        await sleep(200); // what the server had sent may be under way
        later = await this.books.since(moment);
        if (later === '' || later === due.done) return null;
      }
      return `half done: ${later}, not ${due.done}`;
    }
    if (reply.status === due.status) {
      this.tally.ok++;
      if (done === due.done) return null;
      return `answered well, but did ${done || 'nothing'}, not ${due.done || 'nothing'}`;
    }
    this.tally.told++;
    if (reply.status !== 503 || !UNDONE.includes(reply.body?.code))
      return `answered ${reply.status} ${reply.body?.code}`;
    if (!reply.header('retry-after')) return 'no Retry-After';
    return done ? `answered ${reply.body.code}, but did ${done}` : null;
  }

  /** What a link that was lost had under way may go on for a moment, and holds its key. */
  async #patiently(request) {
    let reply;
    for (let i = 0; i < 300; i++) {
      reply = await this.send(request);
      if (reply.body?.code !== 'idempotency_in_flight') return reply;
      await sleep(50);
    }
    return reply;
  }

  /** Asked again it works, and is done once; or twice, where two are two and nobody could know. */
  async #again(request, due, moment, reply) {
    const unclear = !reply || reply.body?.code === 'outcome_unknown';
    const second = await this.#patiently(request);
    const good = second.status < 400 || (unclear && due.spent?.includes(second.body?.code));
    if (!good) return `asked again: ${second.status} ${second.body?.code}`;
    const done = await this.books.since(moment);
    if (done === due.done || (unclear && !due.once)) return null;
    return `asked again, all in all it did ${done || 'nothing'}, not ${due.done}`;
  }

  /** What the request does when nothing fails: seen twice, for the server's own rounds write too. */
  async measure(make, kinds) {
    let seen = await this.#measured(make, kinds);
    for (let i = 0; i < 5; i++) {
      const again = await this.#measured(make, kinds);
      if (again.done === seen.done) return again;
      seen = again;
    }
    throw new Unfit(`does something else each time, last ${seen.done || 'nothing'}`);
  }

  async #measured(make, kinds) {
    const request = await make();
    const moment = await this.books.moment();
    const { reply, count, took } = await this.shot(request, kinds);
    if (!reply || reply.status >= 400) throw new Unfit(`${request.target}: ${reply?.text}`);
    return { status: reply.status, done: await this.books.since(moment), count, took };
  }

  /** The n-th call fails for each n that `step` leaves, until none is reached. `span`: how many fail
   * in a row. */
  async run(name, make, kind, { step = 1, span = 1, once = true, spent, aside } = {}) {
    this.books.aside = aside ?? [];
    const due = { ...(await this.measure(make, KINDS[kind])), once, spent };
    let n = 1;
    let request;
    for (let missed = 0; missed < 2; n += step) {
      request ??= await make();
      const moment = await this.books.moment();
      const { reply, failed, place, took } = await this.shot(
        request, KINDS[kind], n, n + span - 1,
      );
      if (!failed) missed++;
      else this.tally.failures++;
      let trouble = await this.#judge(reply, due, moment);
      await this.recover().catch((error) => {
        throw new Error(this.#words(name, kind, n, error.message, place));
      });
      if (failed && reply?.status !== due.status) {
        trouble ??= await this.#again(request, due, moment, reply);
      }
      if (took > 3000 + 20 * due.took) trouble ??= `took ${took} ms`;
      if (failed) this.places.add(place.slice(0, 8).join());
      if (trouble) this.wrong.push(this.#words(name, kind, n, trouble, place));
      if (request.method !== 'GET' || !reply) request = undefined;
    }
    return { ...due, reached: n };
  }

  #words(name, kind, n, trouble, place) {
    return `${name}, ${kind} ${n}: ${trouble}\n        at ${sources(place, this.program)}`;
  }
}
