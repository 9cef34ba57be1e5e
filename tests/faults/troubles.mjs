// PostgreSQL hangs, answers late, is stopped; somebody holds locks; commits wait for a standby that
// is gone, no connection is to be had, a disk is full, a server makes room for the next: under
// load, without a restart of who is in trouble.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const HELD_MS = 7000; // longer than the server's deadline
export const ANSWER_MS = 6500; // its deadline of 5 s, and room on a busy machine

const hangs = {
  title: 'PostgreSQL hangs',
  begin: (stage) => void stage.signalPostgres('SIGSTOP'),
  end: (stage) => void stage.signalPostgres('SIGCONT'),
};

const stopped = (how, signal) => ({
  title: `PostgreSQL is stopped (${how})`,
  begin: (stage) => stage.stopPostgres(signal),
  end: (stage) => stage.startPostgres(),
});

/** It hangs for a while and goes on for a moment, over and over: answers come late, but come. */
const late = {
  title: 'PostgreSQL answers late',
  goesOn: true,
  within: 1500,
  begin(stage) {
    let going = true;
    const turns = (async () => {
      for (let i = 0; going; i++) {
        stage.signalPostgres('SIGSTOP');
        await sleep([200, 600, 1000, 1400, 2000][i % 5]);
        stage.signalPostgres('SIGCONT');
        await sleep(50);
      }
    })();
    late.end = () => {
      going = false;
      return turns;
    };
  },
};

/** Somebody at a psql prompt has locked what others want, and went for lunch. */
const held = (title, sql) => ({
  title,
  goesOn: true,
  partly: true, // who wants what is held is told that it is busy
  async begin(stage) {
    const psql = spawn(stage.psqlFile, ['-Xq', '-v', 'ON_ERROR_STOP=1', stage.url], {
      env: { ...process.env, PGAPPNAME: 'holder' },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    psql.stdin.on('error', () => {}).end(`BEGIN; ${sql}; SELECT pg_sleep(600);`);
    const there = `SELECT count(*) FROM pg_stat_activity
      WHERE application_name = 'holder' AND wait_event = 'PgSleep'`;
    for (let i = 0; stage.sql(there).trim() === '0'; i++) {
      if (i > 200) throw new Error(`nobody holds anything: ${sql}`);
      await sleep(50);
    }
  },
  end: (stage) =>
    stage.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE application_name = 'holder'`),
});

const rows = held(
  'somebody holds a third of the codes',
  `SELECT count(*) FROM (
     SELECT FROM invite_code c JOIN bench_code b ON c.digest = decode(b.digest, 'hex')
     WHERE c.community_id = 1000 AND b.n % 3 = 0 AND c.used < c.max_uses FOR UPDATE OF c) held`,
);
const table = held('somebody holds the table of check-ins', 'LOCK TABLE attendance IN SHARE MODE');

const standby = {
  title: 'commits wait for a standby that is gone',
  set(stage, name) {
    stage.sql(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`);
    stage.sql('SELECT pg_reload_conf()');
  },
  begin: (stage) => standby.set(stage, 'nobody'),
  end: (stage) => standby.set(stage, ''),
  unknown: true, // committed here, but not as safely as was asked for
};

const connections = {
  title: 'no connection is to be had',
  begin(stage) {
    stage.sql(`ALTER ROLE lyceum_server CONNECTION LIMIT 0;
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'lyceum_server'`);
  },
  end: (stage) => stage.sql('ALTER ROLE lyceum_server CONNECTION LIMIT -1'),
};

const TABLES = ['redemption', 'entitlement', 'attendance', 'audit_log', 'outbox'];
const disk = {
  title: 'the disk is full',
  partly: true, // what finds room in a page that is there is written
  prepare(stage) {
    disk.small = stage.small;
    fs.mkdirSync(disk.small, { recursive: true });
    const { uid, gid } = fs.statSync(stage.home);
    const owner = `size=256m,mode=0700,uid=${uid},gid=${gid}`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', owner, 'tmpfs', disk.small], { stdio: 'ignore' });
    stage.atEnd(() => execFileSync('umount', ['-l', disk.small]));
    stage.sql(`CREATE TABLESPACE small LOCATION '${disk.small}'`);
    disk.move(stage, 'small');
  },
  move(stage, to) {
    for (const table of TABLES) stage.sql(`ALTER TABLE ${table} SET TABLESPACE ${to}`);
  },
  begin() {
    const fill = fs.openSync(path.join(disk.small, 'fill'), 'w');
    const block = Buffer.alloc(1 << 12);
    try {
      for (;;) fs.writeSync(fill, block);
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    }
    fs.closeSync(fill);
  },
  async during(stage) {
    const headers = { Authorization: `Bearer ${stage.mint('member', 1)[0]}` };
    for (const what of ['membership', 'attendance']) {
      const reply = await fetch(`http://127.0.0.1:${stage.port}/v1/me/${what}`, { headers });
      if (!reply.ok) return `GET /v1/me/${what}: ${reply.status} ${await reply.text()}`;
    }
    return '';
  },
  end: () => fs.rmSync(path.join(disk.small, 'fill')),
};

/** As it was, when nobody is served: two machines on one disk can't share a tablespace's folder. */
export function backOnDisk(stage) {
  if (!disk.small) return;
  disk.move(stage, 'pg_default');
  stage.sql('DROP TABLESPACE small');
}

/** One after the other; answers lines for the report, `trouble` empty where all was well. */
export async function troubles(stage, load, history, until) {
  const lines = [];
  const all = [hangs, late, rows, table, stopped('fast', 'SIGINT')];
  all.push(stopped('immediate', 'SIGQUIT'), standby, connections, disk);
  for (const it of all) {
    try {
      it.prepare?.(stage);
    } catch (error) {
      if (it !== disk || !/mount/.test(error.message)) throw error;
      console.log(`not tried here: ${it.title} (a file system can't be mounted)`);
      continue;
    }
    lines.push(await endure(it, stage, load, history, until));
  }
  lines.push(await handOver(stage, load, history, until));
  return lines;
}

async function endure(it, stage, load, history, until) {
  await until(load, history, () => load.lastAck > Date.now() - 1000);
  history.slowest = history.slowestGood = 0;
  await it.begin(stage);
  const before = { ...history.counts };
  await sleep(HELD_MS);
  const during = (await it.during?.(stage)) ?? '';
  const away = history.counts.away - before.away;
  const told = history.counts.told - before.told;
  const acknowledged = history.counts.ok - before.ok;
  const goesOn = load.lastAck > Date.now() - HELD_MS / 2;
  await it.end(stage);
  const began = Date.now();
  await until(load, history, () => load.lastAck > began);
  const back = Date.now() - began;
  const { slowest, slowestGood } = history;
  let trouble = during;
  const noticed = it === late ? slowestGood > 500 : away && (it.partly || !goesOn);
  if (!noticed) trouble ||= `nobody noticed (${away} times 503)`;
  if (it.goesOn && !goesOn) trouble ||= 'nobody was served';
  if (it.goesOn && slowestGood > 5000) trouble ||= `others waited ${slowestGood} ms`;
  if (it.unknown && !told) trouble ||= 'nobody was told that the outcome is unknown';
  if (back > (it.within ?? 5000)) trouble ||= `back after ${back} ms only`;
  if (slowest > ANSWER_MS) trouble ||= `an answer took ${slowest} ms`;
  return {
    title: `${it.title}: ${acknowledged} acknowledged (the slowest in ${slowestGood} ms), ` +
      `${away} times 503, ${told} of them unknown, the slowest in ${slowest} ms, ` +
      `well ${back} ms after its end`,
    trouble,
    back,
    slowest,
  };
}

/** A second server takes over the port; the first is told to stop in the middle of everything. */
async function handOver(stage, load, history, until) {
  const links = () =>
    Number(stage.sql(`SELECT count(*) FROM pg_stat_activity WHERE usename = 'lyceum_server'`));
  const first = stage.server;
  const alone = links();
  stage.newServer();
  for (let i = 0; links() < 2 * alone - 1 && i < 100; i++) await sleep(50);
  await stage.server.ready();
  await sleep(500);
  const before = { ...history.counts };
  const began = Date.now();
  const said = await first.stop();
  const took = Date.now() - began;
  await until(load, history, () => load.lastAck > began + took);
  const away = history.counts.away - before.away; // sold-out codes are no trouble
  const unknown = history.counts.unknown - before.unknown;
  let trouble = said.join('; ');
  if (unknown) trouble ||= `${unknown} outcomes unknown`;
  if (away > load.connections) trouble ||= `${away} refused by who was leaving`;
  return {
    title: `a second server takes over: the first stopped in ${took} ms, ${away} ` +
      `times 503, ${unknown} unknown`,
    trouble,
    leftOut: unknown,
  };
}
