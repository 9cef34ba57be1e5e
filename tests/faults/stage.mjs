// A durable PostgreSQL and a server of the run's own, and the ways in which they are ended.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../api/lib/port.mjs';
import { Server } from '../api/lib/server.mjs';
import { PUBLIC_URL } from '../api/lib/tokens.mjs';

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
const dir = path.join(root, 'build/faults');
const data = path.join(dir, 'pg');
const prepare = path.join(root, 'build/bench/prepare');
const binary = process.env.LYCEUM ?? path.join(root, 'build/lyceum');
const options = { cwd: root, encoding: 'utf8', maxBuffer: 1 << 30 };
const run = (file, args, more) => execFileSync(file, args, { ...options, ...more });
const wait = promisify(execFile);

function lives(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`).length > 0; // a zombie has none
  } catch {
    return false;
  }
}

export class Stage {
  #servers = [];
  #last = [];
  root = root;
  small = path.join(dir, 'small'); // where a small file system may be mounted

  /** @param {{codes: number, limited: number, uses: number, members: number, lectures: number}} */
  async open(size) {
    if (fs.existsSync(data)) run('db/private.sh', ['stop', data]); // of a run that was cut off
    if (fs.existsSync(this.small)) spawnSync('umount', ['-l', this.small]);
    fs.rmSync(dir, { recursive: true, force: true });
    fs.mkdirSync(dir, { recursive: true });
    run('db/private.sh', ['start', data]);
    this.url = run('db/private.sh', ['url', data]).trim();
    this.psqlFile = path.join(run('db/private.sh', ['bin']).trim(), 'psql');
    this.home = this.sql('SHOW data_directory').trim(); // it may lie elsewhere than asked for
    this.secret = path.join(dir, 'secret');
    fs.writeFileSync(this.secret, '5a'.repeat(32) + '\n', { mode: 0o600 });
    this.#seed(size);
    this.port = await freePort();
    await this.newServer().ready();
    this.#read();
    return this;
  }

  sql(text, ...args) {
    return this.sqlAt(this.url, text, ...args);
  }

  sqlAt(url, text, ...args) {
    const strict = ['-XqtAv', 'ON_ERROR_STOP=1'];
    return run(this.psqlFile, [...strict, ...args, url], { input: text });
  }

  rows(text) {
    const said = this.sql(text).trim();
    return said ? said.split('\n').map((line) => line.split('|')) : [];
  }

  #seed(size) {
    const file = path.join(dir, 'codes.csv');
    fs.writeFileSync(file, run(prepare, [this.secret, 'codes', String(size.codes)]));
    const env = { ...process.env, DATABASE_URL: this.url, LYCEUM_SECRET_FILE: this.secret };
    run(binary, ['migrate'], { env });
    this.sql(`CREATE TABLE bench_code
      (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text, digest text)`);
    this.sql(`\\copy bench_code (code, digest) FROM '${file}' CSV`);
    const set = Object.entries({ hot: 0, ...size }).flatMap(([k, v]) => ['-v', `${k}=${v}`]);
    for (const seed of ['tests/bench/seed.sql', 'tests/faults/seed.sql'])
      this.sql(fs.readFileSync(path.join(root, seed)), ...set);
    fs.rmSync(file);
  }

  /** Codes, lectures and a token for each member, whose sessions nobody had to sign in for. */
  #read() {
    this.codes = this.rows('SELECT code FROM bench_code ORDER BY n').flat();
    this.lectures = this.rows('SELECT id FROM bench_lecture ORDER BY n').flat();
    const [[kid, sealed]] = this.rows(`
      SELECT kid, encode(sealed_private, 'hex') FROM signing_key
      WHERE retired_at IS NULL ORDER BY active_from DESC LIMIT 1`);
    const people = this.rows(`
      SELECT b.account_id, b.id, s.id, 1000, m.token_version FROM bench_member b
      JOIN member m ON m.community_id = 1000 AND m.id = b.id
      JOIN session s ON s.community_id = 1000 AND s.member_id = b.id ORDER BY b.n`);
    this.mint = (role, count = people.length) =>
      run(prepare, [this.secret, 'tokens', PUBLIC_URL, kid, sealed, role], {
        input: people.slice(0, count).map((p) => `${p.join(',')}\n`).join(''),
      })
        .trim()
        .split('\n');
  }

  // ---- the server

  /** Starts it and does not wait. */
  newServer() {
    const env = {
      PORT: String(this.port),
      LYCEUM_DEMO: '0',
      LYCEUM_LOG: 'warn',
      LYCEUM_PACE_SCALE: '1000000',
      LYCEUM_SECRET_FILE: this.secret,
    };
    const log = path.join(dir, 'lyceum.log');
    const url = this.hosts ?? this.url;
    const server = new Server({ server: binary, url, out: dir, log, env });
    server.port = this.port;
    this.#servers.push(server);
    this.server = server;
    return server;
  }

  // ---- PostgreSQL

  get postmaster() {
    return Number(fs.readFileSync(path.join(this.home, 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  /** The postmaster's children: backends, walwriter, checkpointer and the rest. */
  children(master = this.postmaster) {
    const is = (pid) => {
      try {
        const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
        return Number(stat[1]) === master;
      } catch {
        return false; // it ended while we looked
      }
    };
    return fs.readdirSync('/proc').filter((p) => /^\d+$/.test(p) && is(p)).map(Number);
  }

  signalPostgres(signal, all = [this.postmaster, ...this.children()]) {
    for (const pid of all) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        if (error.code !== 'ESRCH') throw error; // a child that ended by itself meanwhile
      }
    }
    return all;
  }

  /** Nothing is flushed or said; resolves when its memory is free for the next one. */
  async killPostgres() {
    const master = this.postmaster;
    process.kill(master, 'SIGSTOP'); // it has no further children meanwhile
    const all = [master, ...this.children(master)];
    await sleep(100); // looking took time in which what was under way ended: there is new work
    const killed = this.signalPostgres('SIGKILL', all);
    for (let i = 0; i < 500 && killed.some(lives); i++) await sleep(5);
  }

  /** As its owner would: SIGINT ends all sessions and flushes, SIGQUIT ends it at once. */
  async stopPostgres(signal) {
    const master = this.postmaster;
    process.kill(master, signal);
    for (let i = 0; i < 1000 && lives(master); i++) await sleep(10);
  }

  async startPostgres() {
    await wait('db/private.sh', ['start', data], { cwd: root });
  }

  /** One of the server's backends, in the middle of something if any is. */
  backend() {
    const [[pid]] = this.rows(`
      SELECT pid FROM pg_stat_activity WHERE usename = 'lyceum_server'
      ORDER BY state = 'active' DESC, state_change DESC LIMIT 1`);
    return Number(pid);
  }

  /** Settings that a start of PostgreSQL reads; they come after those of private.sh. */
  set(lines) {
    fs.appendFileSync(path.join(this.home, 'postgresql.conf'), `${lines.join('\n')}\n`);
  }

  /** Until the last statement of a server that is gone has ended: it may still be committed. */
  async quiet() {
    const busy = `SELECT count(*) FROM pg_stat_activity WHERE usename = 'lyceum_server'`;
    for (let i = 0; i < 200; i++) {
      if (this.sql(busy).trim() === '0') return;
      await sleep(50);
    }
    const [those] = this.rows(`
      SELECT pid, state, wait_event, now() - state_change, now() - backend_start, left(query, 60)
      FROM pg_stat_activity WHERE usename = 'lyceum_server'`);
    throw new Error(`after 10 s a server that is gone still has ${those?.join(' ')}`);
  }

  /** What is to be done when all is over. */
  atEnd(act) {
    this.#last.push(act);
  }

  async close() {
    for (const server of this.#servers) server.child.kill('SIGKILL');
    run('db/private.sh', ['stop', data]);
    for (const act of this.#last) act();
  }
}
