// What the bench stands on: a PostgreSQL of its own with durable settings, a seeded database and the
// server on it, the load generator, pgbench, and the CPU time that each of them used.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { freePort } from '../api/lib/port.mjs';

export const here = path.dirname(new URL(import.meta.url).pathname);
export const root = path.resolve(here, '../..');
export const build = path.join(root, 'build/bench');
export const server = process.env.LYCEUM ?? path.join(root, 'build/lyceum');
export const members = 20_000;
export const lectures = 160;
export const hotCodes = 200;

const data = path.join(build, 'pg');
const secretFile = path.join(build, 'secret');
export const sh = (file, args, options = {}) =>
  execFileSync(file, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 30, ...options });
const privatePg = (...args) => sh('db/private.sh', [...args, data]).trim();
const bin = sh('db/private.sh', ['bin']).trim();
export const program = (name) => path.join(bin, name);

// ---- processes

const children = [];
export function start(file, args, options) {
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
  children.push(child);
  return child;
}

export function openStage() {
  if (fs.existsSync(data)) privatePg('stop'); // of a run that was cut off
  fs.rmSync(data, { recursive: true, force: true });
  fs.mkdirSync(path.join(build, 'requests'), { recursive: true });
  fs.writeFileSync(secretFile, '5a'.repeat(32) + '\n', { mode: 0o600 });
  privatePg('start');
}

export function closeStage() {
  for (const child of children) child.kill('SIGTERM');
  privatePg('stop');
}

export async function untilReady(url, child) {
  for (let i = 0; i < 1200; i++) {
    if (child.exitCode !== null) throw new Error('the server ended before it was ready');
    const ready = await fetch(url).then(
      (r) => r.ok,
      () => false,
    );
    if (ready) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`${url} does not answer`);
}

// ---- what a process uses

const stat = (pid) => fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
const ticks = (pid) => Number(stat(pid)[11]) + Number(stat(pid)[12]);
// Backends come and go with pgbench, so PostgreSQL's share is what its live processes and the
// postmaster's ended children have used.
function postgresTicks() {
  let sum = 0;
  const master = Number(
    fs.readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')[0],
  );
  for (const pid of fs.readdirSync('/proc').filter((p) => /^\d+$/.test(p))) {
    try {
      const s = stat(pid);
      if (Number(pid) === master)
        sum += Number(s[11]) + Number(s[12]) + Number(s[13]) + Number(s[14]);
      else if (Number(s[1]) === master) sum += Number(s[11]) + Number(s[12]);
    } catch {
      /* it ended while we looked */
    }
  }
  return sum;
}
export const rssMib = (pid) =>
  Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
export const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

// ---- requests

export const request = (method, target, token, body) => {
  const json = body === undefined ? '' : JSON.stringify(body);
  return (
    `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
    (token ? `Authorization: Bearer ${token}\r\n` : '') +
    (json
      ? `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(json)}\r\n`
      : '') +
    `\r\n${json}`
  );
};

/** @param {Iterable<string>} list */
export function writeRequests(name, list) {
  const file = path.join(build, 'requests', name);
  const out = fs.openSync(file, 'w');
  let part = '';
  for (const r of list) {
    part += `${Buffer.byteLength(r)}\n${r}`;
    if (part.length < 1 << 20) continue;
    fs.writeSync(out, part);
    part = '';
  }
  fs.writeSync(out, part);
  fs.closeSync(out);
  return file;
}

/** The load generator's arguments; see tests/bench/load.c. */
function loadArgs(target, files, options) {
  const { connections = 64, warm = 1, seconds = 2, rate, expected, all, idle } = options;
  return [
    ...['-c', connections, '-w', warm, '-d', seconds],
    ...(rate ? ['-r', rate.toFixed(1)] : []),
    ...(expected ? ['-e', expected] : []),
    ...(all ? ['-a'] : []),
    ...(idle ? ['-i'] : []),
    target,
    ...[files].flat(),
  ].map(String);
}

export function startLoad(target, files, options) {
  const stdio = ['pipe', 'pipe', 'inherit'];
  return spawn(path.join(build, 'load'), loadArgs(target, files, options), { stdio });
}

/** What the load generator printed, if it went as it should. */
export function judged(files, said, status) {
  const name = [files].flat().map((f) => path.basename(f));
  if (status !== 0) throw new Error(`load of ${name}: ${said}`);
  const result = JSON.parse(said);
  if (result.dry) throw new Error(`${name}: ran out of requests; raise BENCH_SCALE`);
  return result;
}

/** Runs it to its end; the CPU time is the server's whose pid is given, and PostgreSQL's. */
export function load(target, files, options = {}) {
  const pid = options.pid;
  const before = { server: pid ? ticks(pid) : 0, postgres: postgresTicks() };
  const args = loadArgs(target, files, options);
  const r = spawnSync(path.join(build, 'load'), args, { encoding: 'utf8' });
  const result = judged(files, r.status === 0 ? r.stdout : r.stderr + r.stdout, r.status);
  const us = (t) => +((t * 10_000) / result.used).toFixed(1); // a tick is 10 ms
  return {
    ...result,
    cpu_us: {
      server: us((pid ? ticks(pid) : 0) - before.server),
      postgres: us(postgresTicks() - before.postgres),
    },
  };
}

// ---- a site: one database with members, lectures and codes, and a server on it

export class Site {
  next = { code: hotCodes + 1, hot: 1, lecture: 0 };

  constructor(name, codes) {
    Object.assign(this, { name, codes });
  }

  async open() {
    const url = privatePg('url');
    if (this.name !== 'lyceum') sh(program('createdb'), ['--maintenance-db', url, this.name]);
    this.url = url.replace('/lyceum?', `/${this.name}?`);
    this.port = await freePort();
    this.address = `127.0.0.1:${this.port}`;
    this.#seed();
    this.process = await this.serve(this.port);
    this.lectureIds = this.sql('SELECT id FROM bench_lecture ORDER BY n').trim().split('\n');
    this.#key = this.sql(`SELECT kid, encode(sealed_private, 'hex') FROM signing_key
      WHERE retired_at IS NULL ORDER BY active_from DESC LIMIT 1`)
      .trim()
      .split('|');
    return this;
  }

  #key;

  sql(text, ...args) {
    const options = ['-XqtAv', 'ON_ERROR_STOP=1', ...args, this.url];
    return sh(program('psql'), options, { input: text });
  }

  #environment(port) {
    return {
      ...process.env,
      DATABASE_URL: this.url,
      PORT: String(port),
      LYCEUM_SECRET_FILE: secretFile,
      LYCEUM_PACE_SCALE: '1000000',
      LYCEUM_CONNECTIONS: '30000',
      LYCEUM_LOG: 'error',
    };
  }

  async serve(port) {
    const child = start(server, ['serve'], { env: this.#environment(port) });
    await untilReady(`http://127.0.0.1:${port}/readyz`, child);
    return child;
  }

  #seed() {
    const file = path.join(build, 'codes.csv');
    const out = fs.openSync(file, 'w');
    sh(path.join(build, 'prepare'), [secretFile, 'codes', String(this.codes)], {
      stdio: ['ignore', out, 'inherit'],
    });
    fs.closeSync(out);
    sh(server, ['migrate'], { env: this.#environment(0) });
    this.sql(
      `CREATE TABLE bench_code
         (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text, digest text)`,
    );
    this.sql(`\\copy bench_code (code, digest) FROM '${file}' CSV`);
    const sizes = Object.entries({ members, lectures, hot: hotCodes });
    this.sql(
      fs.readFileSync(path.join(here, 'seed.sql')),
      ...sizes.flatMap(([k, v]) => ['-v', `${k}=${v}`]),
    );
    fs.rmSync(file);
  }

  /** Tokens that nobody has seen, one for each of the first members. */
  mint(role, count = members) {
    const input = this.sql(
      `SELECT b.account_id, b.id, s.id, 1000, 1 FROM bench_member b
       JOIN session s ON s.community_id = 1000 AND s.member_id = b.id
       WHERE b.n < ${count} ORDER BY b.n`,
    ).replaceAll('|', ',');
    const args = [secretFile, 'tokens', `http://127.0.0.1:${this.port}`, ...this.#key, role];
    return sh(path.join(build, 'prepare'), args, { input }).trim().split('\n');
  }

  /** New tokens for all, met once: they live a quarter of an hour. */
  signInAgain() {
    this.tokens = this.mint('member');
    [this.operator] = this.mint('operator', 1);
    const list = this.tokens.map((t, i) =>
      request('GET', `/v1/lectures/${this.lectureIds[i % lectures]}`, t),
    );
    this.load(writeRequests('warm.once', list), { all: true });
  }

  // A slice of unused codes: where it begins.
  reserve(count) {
    this.next.code += count;
    if (this.next.code > this.codes + 1)
      throw new Error(`${this.codes} codes are used up: raise BENCH_SCALE`);
    return this.next.code - count;
  }

  *redeeming(from, count) {
    const slice = 100_000;
    for (let at = from; at < from + count; at += slice) {
      const end = Math.min(at + slice, from + count);
      const said = this.sql(
        `SELECT code FROM bench_code WHERE n >= ${at} AND n < ${end} ORDER BY n`,
      );
      let n = at;
      for (const code of said.trim().split('\n'))
        yield request('POST', '/v1/redemptions', this.tokens[n++ % members], { code });
    }
  }

  /** Everybody's check-in to the next lecture, each with their token. */
  async *#checkIns(count, tokens) {
    for (let k = 0; k < count; k++) {
      const lecture = this.lectureIds[this.next.lecture++];
      if (!lecture) throw new Error(`${lectures} lectures are used up: fewer BENCH_ROUNDS`);
      const reply = await fetch(`http://${this.address}/v1/lectures/${lecture}/check-in-code`, {
        headers: { Authorization: `Bearer ${this.operator}` },
      });
      if (!reply.ok) throw new Error(`check-in-code: ${reply.status} ${await reply.text()}`);
      const { code } = await reply.json();
      for (let i = 0; i < tokens.length; i++)
        yield request('POST', `/v1/lectures/${lecture}/check-ins`, tokens[i], {
          code,
          device_id: `device-${i}`,
        });
    }
  }

  async checkIns(count, tokens = this.tokens) {
    const list = [];
    for await (const r of this.#checkIns(count, tokens)) list.push(r);
    return list;
  }

  /** Is what was used what was redeemed, and not more than there is? */
  books() {
    const wrong = Number(
      this.sql(`
      SELECT count(*) FROM invite_code c
      LEFT JOIN (SELECT code_id, count(*) n, count(e.id) spans FROM redemption r
                 LEFT JOIN entitlement e
                   ON e.community_id = r.community_id AND e.member_id = r.member_id
                   AND e.id = r.id AND e.voided_at IS NULL
                 WHERE r.released_at IS NULL GROUP BY code_id) r ON r.code_id = c.id
      WHERE c.used <> coalesce(r.n, 0) OR c.used > c.max_uses
        OR coalesce(r.n, 0) <> coalesce(r.spans, 0)`),
    );
    if (wrong) throw new Error(`the books don't balance: ${wrong} codes of ${this.name}`);
  }

  load(files, options) {
    return load(this.address, files, { pid: this.process.pid, ...options });
  }

  // ---- pgbench: the same work, one request a commit

  /** Runs one script, or several turn about; answers one result for each. */
  pgbench(scripts, clients, variables, seconds = 2) {
    const define = Object.entries({ i: 0, clients, members, ...variables }).flatMap(
      ([k, v]) => ['-D', `${k}=${v}`],
    );
    const files = scripts.flatMap((s) => ['-f', path.resolve(here, `${s}.pgbench`)]);
    const options = ['-n', '-M', 'prepared', '-c', clients, '-j', Math.min(clients, 2)];
    const log = ['-l', '--log-prefix', path.join(build, 'pgbench')];
    const args = [...options, '-T', seconds, ...log, ...define, ...files, this.url].map(String);
    const r = spawnSync(program('pgbench'), args, { encoding: 'utf8', cwd: build });
    if (r.status !== 0) throw new Error(`pgbench ${scripts}: ${r.stderr}`);
    const failed = Number(/failed transactions: (\d+)/.exec(r.stdout)?.[1] ?? 0);
    if (failed) throw new Error(`pgbench ${scripts}: ${failed} failed`);
    const rate = Number(/tps = ([\d.]+)/.exec(r.stdout)[1]);
    return latencies(scripts.length).map((us) => ({
      rate: rate / scripts.length,
      done: us.length,
      p50_us: us[us.length >> 1],
    }));
  }
}

// Each script's latencies in order, from pgbench's logs: client, transaction, time, script, …
function latencies(scripts) {
  const lists = Array.from({ length: scripts }, () => []);
  for (const f of fs.readdirSync(build).filter((n) => n.startsWith('pgbench.'))) {
    for (const line of fs.readFileSync(path.join(build, f), 'utf8').split('\n')) {
      const [, , us, script] = line.split(' ');
      if (line) lists[Number(script)].push(Number(us));
    }
    fs.rmSync(path.join(build, f));
  }
  return lists.map((list) => list.sort((x, y) => x - y));
}
