// A standby of its own, and how it takes over: the primary is killed, or lives on and only reads.
// The server knows all machines from the start and is not restarted.
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ANSWER_MS } from './troubles.mjs';

const wait = promisify(execFile);
const FOUND_MS = 5000;

/** Data folders beside the primary's, each with a socket of its own. */
export class Standby {
  /** @param {string} name also that of its slot, and what a primary waits for by */
  constructor(stage, name) {
    Object.assign(this, { stage, name, home: `${stage.home}-${name}` });
    this.url = this.#private('url').trim();
  }

  #private(verb) {
    return execFileSync('db/private.sh', [verb, this.home], {
      cwd: this.stage.root,
      encoding: 'utf8',
    });
  }

  /** Copies the primary that the stage has now, and follows it. */
  async open() {
    const { stage } = this;
    const { uid, gid } = fs.statSync(stage.home);
    this.close(); // of a run that was cut off
    stage.atEnd(() => this.close());
    fs.mkdirSync(this.home, { mode: 0o700 });
    fs.chownSync(this.home, uid, gid);
    const program = path.join(path.dirname(stage.psqlFile), 'pg_basebackup');
    const from = `${stage.url}&application_name=${this.name}`;
    const words = ['-D', this.home, '-R', '-C', '-S', this.name, '-X', 'stream', '-c', 'fast'];
    const as = { cwd: '/', stdio: 'pipe', ...(process.getuid() ? {} : { uid, gid }) };
    execFileSync(program, [...words, '-d', from], as);
    this.#private('start');
    stage.sql(`ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (${this.name})'`);
    stage.sql('SELECT pg_reload_conf()');
    await this.#until(`SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'`, '1');
    return this;
  }

  async #until(sql, value) {
    for (let i = 0; this.stage.sql(sql).trim() !== value; i++) {
      if (i > 200) throw new Error(`after 10 s still not ${value}: ${sql}`);
      await sleep(50);
    }
  }

  /** From now on the stage's PostgreSQL is this one. Members ask all the while. */
  async promote() {
    const { stage } = this;
    await wait(stage.psqlFile, ['-Xqc', 'SELECT pg_promote()', this.url]);
    Object.assign(stage, { url: this.url, home: this.home });
  }

  close() {
    this.#private('stop');
    fs.rmSync(this.home, { recursive: true, force: true });
  }
}

const OURS = `FROM pg_stat_activity WHERE usename = 'lyceum_server'`;

const killed = {
  title: 'the primary is killed, its standby promoted',
  begin: (stage) => stage.killPostgres(),
  after: () => '',
};

/** SQLSTATE 25006 for all that writes; what reads, and LISTEN, would go on as if nothing was. */
const demoted = {
  title: 'the primary only reads (25006), its standby promoted',
  async begin(stage) {
    demoted.url = stage.url;
    stage.sql('ALTER SYSTEM SET default_transaction_read_only = on');
    stage.sql('SELECT pg_reload_conf()');
  },
  async after(stage, until) {
    const left = () => stage.sqlAt(demoted.url, `SELECT count(*) ${OURS}`).trim();
    while (left() !== '0' && Date.now() < until) await sleep(50);
    return left() === '0' ? '' : `${left()} sessions are still with the former primary`;
  },
};

async function moves(how, standby, stage, load, history, until) {
  const soon = Date.now() + 500; // what copied the machine held up the members, too
  await until(load, history, () => load.lastAck > soon);
  history.slowest = 0;
  const before = { ...history.counts };
  await how.begin(stage);
  await sleep(500);
  await standby.promote();
  const began = Date.now();
  await stage.server.ready();
  await until(load, history, () => load.lastAck > began);
  const back = Date.now() - began;
  const away = history.counts.away - before.away;
  const unknown = history.counts.unknown - before.unknown;
  const listens = async () =>
    (await (await fetch(`http://127.0.0.1:${stage.port}/readyz`)).json()).listener &&
    stage.sql(`SELECT count(*) ${OURS} AND query IN ('SELECT 1', 'LISTEN lyceum')`).trim() === '1';
  while (!(await listens()) && Date.now() - began < FOUND_MS) await sleep(50);
  const heard = Date.now() - began;
  let trouble = await how.after(stage, began + FOUND_MS);
  if (!away) trouble ||= 'nobody noticed';
  if (back > FOUND_MS) trouble ||= `found after ${back} ms only`;
  if (heard >= FOUND_MS) trouble ||= 'it does not listen to the new primary';
  if (history.slowest > ANSWER_MS) trouble ||= `an answer took ${history.slowest} ms`;
  if (stage.server.gone) trouble ||= 'the server ended';
  return {
    title: `${how.title}: found ${back} ms after that, heard ${heard} ms after; ${away} times ` +
      `503, ${unknown} unknown, the slowest in ${history.slowest} ms`,
    trouble,
    back,
    slowest: history.slowest,
  };
}

/** What a server must be told to find whoever is the primary. */
export function hosts(all) {
  const sockets = all.map(({ url }) => /host=([^&]*)/.exec(url)[1]);
  return `${all[0].url.replace(/host=[^&]*/, `host=${sockets.join(',')}`).replace(
    /port=[^&]*/,
    `port=${sockets.map(() => 5432).join(',')}`,
  )}&target_session_attrs=read-write&connect_timeout=2`;
}

/** Both, one after the other; each standby is made while members go on. */
export async function promotions(stage, load, history, until, [first, second]) {
  const lines = [];
  for (const [how, standby] of [[killed, first], [demoted, second]]) {
    await standby.open();
    lines.push(await moves(how, standby, stage, load, history, until));
  }
  return lines;
}
