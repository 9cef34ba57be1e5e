#!/usr/bin/env node
// Kills the server and PostgreSQL while members redeem codes and check in, and compares what was
// answered with what the database holds.
//
//   node tests/faults/run.mjs     FAULTS_SCALE=20000  acknowledged writes to go on until
//                                 FAULTS_KILLS=8      how often something is killed
//                                 FAULTS_PARTS=kills,troubles,promotion,control
//                                                     only these; a short run kills and controls
//
// The control run lets PostgreSQL acknowledge what is not on disk yet, and must find losses.
import { setTimeout as sleep } from 'node:timers/promises';
import { Figures } from './figures.mjs';
import { BOOKS, History, kept, OVERSOLD } from './history.mjs';
import { Load } from './load.mjs';
import { Stage } from './stage.mjs';
import { hosts, promotions, Standby } from './standby.mjs';
import { ANSWER_MS, backOnDisk, troubles } from './troubles.mjs';

const target = Number(process.env.FAULTS_SCALE ?? 20_000);
const kills = Number(process.env.FAULTS_KILLS ?? (target < 20_000 ? 3 : 8));
// Each trouble takes seconds, for it must outlast the deadline: only in a full run, or if asked.
const usual = target < 20_000 ? 'kills,control' : 'kills,troubles,promotion,control';
const parts = new Set((process.env.FAULTS_PARTS ?? usual).split(','));
const spare = (parts.has('troubles') ? 30_000 : 0) + (parts.has('promotion') ? 10_000 : 0);
const READY_MS = 5000;
const STUCK_MS = 60_000;
const CONNECTIONS = 64;
const limited = Math.ceil((target + spare) / 10) + 100;
const size = {
  members: 2000,
  lectures: 8 + Math.ceil((target + spare) / 2000),
  limited,
  uses: 5,
  askers: 8,
  codes: limited + Math.ceil((target + spare) * 1.2) + 2000,
};

const result = { passed: 0, failed: 0 };
function check(title, good, trouble = '') {
  result[good ? 'passed' : 'failed']++;
  console.log(`${good ? 'ok  ' : 'FAIL'}  ${title}${good || !trouble ? '' : `: ${trouble}`}`);
}
const figures = new Figures();
const few = (list) => list.slice(0, 5).join('; ');
const seconds = (ms) => (ms / 1000).toFixed(2);

// ---- what is done to it; each resolves when PostgreSQL takes connections again

const stage = new Stage();
const faults = {
  async server() {
    await stage.server.kill();
    stage.newServer();
  },
  async PostgreSQL() {
    await stage.killPostgres();
    await stage.startPostgres();
  },
  async 'one backend'() {
    const pid = stage.backend();
    await sleep(100); // there is new work
    stage.signalPostgres('SIGKILL', [pid]);
    await sleep(20); // until the postmaster has seen it and ends the others
    await stage.startPostgres(); // it starts by itself; this waits for it
  },
  async both() {
    await Promise.all([stage.killPostgres(), stage.server.kill()]);
    await stage.startPostgres();
    stage.newServer();
  },
};

/** Until `done()`; it throws when the load has ended or nothing is acknowledged any more. */
async function until(load, history, done) {
  let last = { n: -1, at: 0 };
  while (!done()) {
    if (load.trouble) throw load.trouble;
    if (history.acknowledged !== last.n) last = { n: history.acknowledged, at: Date.now() };
    if (Date.now() - last.at > STUCK_MS) throw new Error('nothing is acknowledged any more');
    await sleep(10);
  }
}

async function strike(name, load, history) {
  const before = { ...history.counts, acknowledged: history.acknowledged };
  const began = Date.now();
  await faults[name]();
  const back = Date.now();
  await stage.server.ready();
  const ready = Date.now();
  await until(load, history, () => load.lastAck > ready);
  return {
    name,
    acknowledged: before.acknowledged,
    away: back - began,
    ready: ready - back,
    failed: history.counts.failed - before.failed,
    unknown: history.counts.unknown - before.unknown,
    told: history.counts.told - before.told,
  };
}

function progress(history, began, what) {
  const rate = history.acknowledged / ((Date.now() - began) / 1000);
  const left = Math.max(0, target - history.acknowledged) / rate;
  console.log(
    `faults: ${history.acknowledged} of ${target} acknowledged, ${rate.toFixed(0)}/s, ` +
      `${left.toFixed(0)} s left; ${what}`,
  );
}

function table(list) {
  const row = (cells) =>
    console.log(
      cells.map((c, i) => (i ? String(c).padStart(13) : String(c).padEnd(12))).join(''),
    );
  row(['killed', 'after acks', 'back in s', 'ready after', 'failed', 'unknown', 'of it told']);
  for (const s of list) {
    const times = [seconds(s.away), seconds(s.ready)];
    row([s.name, s.acknowledged, ...times, s.failed, s.unknown, s.told]);
  }
}

// ---- the runs

async function killedUnderLoad(history) {
  const load = new Load(stage, history, size, CONNECTIONS).start();
  const began = Date.now();
  const list = [];
  const names = Object.keys(faults);
  for (let k = 0; k < kills; k++) {
    const share = (target * (k + 1)) / (kills + 1);
    await until(load, history, () => history.acknowledged >= share);
    list.push(await strike(names[k % names.length], load, history));
    progress(history, began, `killed ${list.at(-1).name}, ready ${list.at(-1).ready} ms after`);
  }
  await until(load, history, () => history.acknowledged >= target);
  await load.stop();
  progress(history, began, 'done');
  table(list);
  const latest = Math.max(...list.map(({ ready }) => ready));
  const again = `${seconds(latest)} s at most, ${list.length} times`;
  figures.add('ready again after a kill', 'within 5 s', again, latest < READY_MS);
  const slow = list.filter(({ ready }) => ready >= READY_MS);
  check(`${kills} kills, ready within 5 s each`, !slow.length, few(slow.map((s) => s.name)));
  const unknown = list.filter((s) => s.unknown).length;
  check(`what broke in mid-air was seen (${history.counts.unknown} unknown)`, unknown > 0);
  const told = history.counts.told > 0;
  check(`the server itself said outcome_unknown (${history.counts.told} times)`, told);
  return load.wishes;
}

/** All requests are answered; nothing of an earlier server may still be on its way. */
async function settle() {
  const troubles = await stage.server.stop();
  await stage.quiet();
  return troubles;
}

function judge(history, there) {
  const { lost, ghosts, unclear } = history.compare(there);
  const n = history.acknowledged;
  const { failed, unknown, repeated } = history.counts;
  const survives = n >= target && !lost.length;
  check(`${n} writes acknowledged, 0 lost`, survives, few(lost));
  const enough = `0 of ${target}, ${kills} kills`;
  const was = `${lost.length} of ${n}`;
  figures.add('acknowledged writes lost', enough, was, survives);
  check(`${repeated} asked for again and told the same`, repeated > 0);
  check(`of ${failed} told as failed none was done`, failed > 0 && !ghosts.length, few(ghosts));
  check(`no answer out of place`, !history.wrong.length, few(history.wrong));
  const oversold = stage.sql(OVERSOLD).trim();
  check('0 oversold', oversold === '0', `${oversold} codes or spans`);
  figures.add('oversold', '0', oversold, oversold === '0');
  const books = stage.sql(BOOKS).trim();
  check('the books balance', books === '0', `${books} codes`);
  const share = unknown ? ((unclear / unknown) * 100).toFixed(0) : 0;
  console.log(`of the ${unknown} unknown ${unclear} (${share}%) were done and never told`);
}

/** The same comparison must see what is wrong when something is. */
function doubt(history, there) {
  const proven = [...history.wishes.values()].filter((w) => w.proof !== undefined);
  const failed = [...history.wishes.values()].find((w) => w.proof === undefined && !w.unknown);
  const less = new Map(there);
  less.delete(proven[0].key);
  less.set(proven[1].key, 'another');
  check('the checker sees what is lost', history.compare(less).lost.length === 2);
  const more = new Map(there).set(failed.key, 'done').set('code/0/-1', 'asked by nobody');
  check('the checker sees what was denied', history.compare(more).ghosts.length === 2);
  const spoilt = (change, sql) =>
    stage.sql(`BEGIN; SET session_replication_role = replica; ${change}; ${sql}; ROLLBACK`).trim();
  const one = 'SELECT id FROM redemption LIMIT 1';
  const free = spoilt(`UPDATE invite_code SET used = used - 1 WHERE id =
    (SELECT code_id FROM redemption LIMIT 1)`, BOOKS);
  check('the checker sees a use that nobody counted', free === '1', free);
  const spanless = spoilt(`DELETE FROM entitlement WHERE redemption_id = (${one})`, BOOKS);
  check('the checker sees a redemption without its days', spanless === '1', spanless);
  const fewer = spoilt(`ALTER TABLE invite_code DROP CONSTRAINT invite_code_used;
    UPDATE invite_code SET max_uses = 1 WHERE used = 5`, OVERSOLD);
  check('the checker sees what is oversold', Number(fewer) > 0, fewer);
}

function figured(what, lines) {
  const worst = (name) => Math.max(...lines.map((line) => line[name] ?? 0));
  const within = (name, promise, most) => {
    const limit = `within ${seconds(most)} s`;
    figures.add(`${what}: ${promise}`, limit, `${seconds(worst(name))} s`, worst(name) <= most);
  };
  within('slowest', 'answered (the deadline is 5 s)', ANSWER_MS);
  within('back', 'well again', READY_MS);
  for (const { leftOut } of lines.filter((line) => 'leftOut' in line))
    figures.add('SIGTERM: outcomes unknown', '0', leftOut, !leftOut);
}

/** `act` does something to it under load, and answers with lines for the report. */
async function enduring(skip, what, act) {
  const before = kept(stage);
  const history = new History();
  await stage.newServer().ready();
  const load = new Load(stage, history, size, CONNECTIONS, skip, 40).start();
  await until(load, history, () => history.acknowledged > 200);
  const lines = await act(stage, load, history, until);
  for (const { title, trouble } of lines) check(title, !trouble, trouble);
  await load.stop();
  await settle();
  stage.sql('ANALYZE');
  const { lost, ghosts } = history.compare(kept(stage, before));
  figured(what, lines);
  const n = `${lost.length} of ${history.acknowledged}`;
  figures.add(`${what}: acknowledged writes lost`, '0', n, !lost.length);
  const denied = history.counts.failed;
  const said = `${history.acknowledged} acknowledged, 0 lost; ${denied} denied, 0 done`;
  check(`in all this: ${said}`, !lost.length && !ghosts.length, few([...lost, ...ghosts]));
  check('in all this: no answer out of place', !history.wrong.length, few(history.wrong));
  const wrong = [BOOKS, OVERSOLD].map((sql) => stage.sql(sql).trim());
  check('in all this: 0 oversold, the books balance', wrong.join() === '0,0', wrong.join());
  return load.wishes;
}

/** The server knows three machines; afterwards all is with the first again, as it was. */
async function promoted(skip) {
  backOnDisk(stage);
  const { url, home } = stage;
  const standbys = ['s1', 's2'].map((name) => new Standby(stage, name));
  stage.hosts = hosts([stage, ...standbys]);
  const wishes = await enduring(skip, 'promotion', (...all) => promotions(...all, standbys));
  Object.assign(stage, { url, home, hosts: undefined });
  for (const standby of standbys) standby.close();
  await stage.startPostgres();
  stage.sql('ALTER SYSTEM RESET synchronous_standby_names');
  stage.sql('SELECT pg_reload_conf()');
  return wishes;
}

/** Commits are acknowledged before they leave PostgreSQL's memory: a kill must then lose some. The
 * walwriter is stopped, for before version 16 each full page wakes it, whatever its delay. */
async function control(skip) {
  stage.set([
    'synchronous_commit = off',
    'wal_writer_delay = 10s',
    "wal_buffers = '64MB'",
  ]);
  await faults.both();
  await stage.server.ready();
  const before = kept(stage);
  const walwriter = stage.rows(`
    SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'`);
  process.kill(Number(walwriter[0][0]), 'SIGSTOP');
  const history = new History();
  const load = new Load(stage, history, size, CONNECTIONS, skip).start();
  await until(load, history, () => history.acknowledged >= 500);
  await faults.both();
  await stage.server.ready();
  await load.stop();
  await settle();
  const { lost } = history.compare(kept(stage, before));
  const n = history.acknowledged;
  check(`control: of ${n} acknowledged without a flush, ${lost.length} lost`, lost.length > 0);
  figures.add('control without flushes', 'some lost', `${lost.length} of ${n}`, lost.length > 0);
}

async function killed() {
  const history = new History();
  const wishes = await killedUnderLoad(history);
  const troubles = await settle();
  check('the last server stopped as it should', !troubles.length, few(troubles));
  stage.sql('ANALYZE'); // or what compares may take minutes
  const there = kept(stage);
  judge(history, there);
  doubt(history, there);
  return wishes;
}

const began = Date.now();
try {
  await stage.open(size);
  console.log(`faults: ${target} writes, ${CONNECTIONS} connections, ${kills} kills; seeded in ` +
    `${seconds(Date.now() - began)} s`);
  let skip = 0;
  if (parts.has('kills')) skip = await killed();
  else await settle();
  if (parts.has('troubles')) skip = await enduring(skip, 'troubles', troubles);
  if (parts.has('promotion')) skip = await promoted(skip);
  if (parts.has('control')) await control(skip);
} catch (error) {
  check('the run came to its end', false, error.stack);
} finally {
  await stage.close();
}
figures.print();
check('every figure is held', !figures.broken.length, few(figures.broken));
console.log(`faults took ${seconds(Date.now() - began)} s`);
console.log(`faults: ${result.passed} passed, ${result.failed} failed`);
process.exit(result.failed ? 1 : 0);
