// The goals of docs/PERFORMANCE.md, measured in one interleaved run and told as ratios: ours beside
// pgbench doing the same transaction, and beside libmicrohttpd answering nothing.
//
//   node tests/bench/run.mjs            ONLY=redeem,hot  BENCH_SCALE=1000000  BENCH_ROUNDS=5
//
// Prints a table, writes build/bench.json, and ends with 1 when a floor is missed, a status was
// unexpected, or the books don't balance after the load.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '../api/lib/port.mjs';

const here = path.dirname(new URL(import.meta.url).pathname);
const root = path.resolve(here, '../..');
const build = path.join(root, 'build/bench');
const server = process.env.LYCEUM ?? path.join(root, 'build/lyceum');
const codes = Number(process.env.BENCH_SCALE ?? 1_000_000);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const only = (process.env.ONLY ?? '').split(',').filter(Boolean);
const members = 20_000;
const lectures = 64;
const hotCodes = 200;
const goals = {
  redeem: { floor: 3, goal: 6 },
  hot: { floor: 6, goal: 20 },
  checkin: { floor: 1.8, goal: 4 },
  lecture: { floor: 0.7, goal: 1.2 },
  schedule: { floor: 0.7, goal: 1.2 },
  p50: { floor: 1.2, goal: 1, lower: true },
};
const wanted = (id) => only.length === 0 || only.includes(id);

// ---- the stage: PostgreSQL, the seed, the server

const data = path.join(build, 'pg');
const sh = (file, args, options = {}) =>
  execFileSync(file, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 30, ...options });
const privatePg = (...args) => sh('db/private.sh', [...args, data]).trim();

function startPostgres() {
  fs.rmSync(data, { recursive: true, force: true });
  fs.mkdirSync(build, { recursive: true });
  privatePg('start');
  return privatePg('url');
}

const bin = sh('db/private.sh', ['bin']).trim();
let url;
const psql = (sql, ...args) =>
  sh(path.join(bin, 'psql'), ['-XqtAv', 'ON_ERROR_STOP=1', ...args, url], { input: sql });

function seed() {
  const file = path.join(build, 'codes.csv');
  fs.writeFileSync(file, sh(path.join(build, 'prepare'), [secretFile, 'codes', String(codes)]));
  sh(server, ['migrate'], { env: environment() });
  psql(
    `CREATE TABLE bench_code
       (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text, digest text)`,
  );
  psql(`\\copy bench_code (code, digest) FROM '${file}' CSV`);
  psql(
    fs.readFileSync(path.join(here, 'seed.sql')),
    '-v',
    `members=${members}`,
    '-v',
    `lectures=${lectures}`,
    '-v',
    `hot=${hotCodes}`,
  );
  fs.rmSync(file);
}

const secretFile = path.join(build, 'secret');
const port = await freePort();
const environment = () => ({
  ...process.env,
  DATABASE_URL: url,
  PORT: String(port),
  LYCEUM_SECRET_FILE: secretFile,
  LYCEUM_PACE_SCALE: '1000000',
  LYCEUM_LOG: 'error',
});

async function untilReady(url, child) {
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error('the server ended before it was ready');
    if (
      await fetch(url).then(
        (r) => r.ok,
        () => false,
      )
    )
      return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`${url} does not answer`);
}

// ---- CPU time, which is steadier than rates

const ticks = (pid) => {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return Number(stat[11]) + Number(stat[12]);
};
// Backends come and go with pgbench, so PostgreSQL's share is what its live processes and the
// postmaster's ended children have used.
function postgresTicks() {
  let sum = 0;
  const master = Number(
    fs.readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')[0],
  );
  for (const pid of fs.readdirSync('/proc').filter((p) => /^\d+$/.test(p))) {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      if (Number(pid) === master)
        sum += Number(stat[11]) + Number(stat[12]) + Number(stat[13]) + Number(stat[14]);
      else if (Number(stat[1]) === master) sum += Number(stat[11]) + Number(stat[12]);
    } catch {
      /* it ended while we looked */
    }
  }
  return sum;
}

// ---- requests

let tokens = [];
const request = (method, target, token, body) => {
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
function writeRequests(name, list) {
  const file = path.join(build, 'requests', name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const out = fs.openSync(file, 'w');
  for (let i = 0; i < list.length; i += 5000)
    fs.writeSync(
      out,
      list
        .slice(i, i + 5000)
        .map((r) => `${Buffer.byteLength(r)}\n${r}`)
        .join(''),
    );
  fs.closeSync(out);
  return file;
}

function load(target, file, connections, first = 0, expected = '200,201', seconds = 2) {
  const before = {
    server: serverProcess ? ticks(serverProcess.pid) : 0,
    postgres: postgresTicks(),
  };
  const r = spawnSync(
    path.join(build, 'load'),
    [target, connections, '1', seconds, file, first, expected].map(String),
    { encoding: 'utf8' },
  );
  if (r.status !== 0) throw new Error(`load of ${path.basename(file)}: ${r.stderr}${r.stdout}`);
  const result = JSON.parse(r.stdout);
  if (result.dry)
    throw new Error(`${path.basename(file)}: ran out of requests; raise BENCH_SCALE`);
  const us = (t) => +((t * 10_000) / result.used).toFixed(1); // a tick is 10 ms
  return {
    ...result,
    cpu_us: {
      server: us((serverProcess ? ticks(serverProcess.pid) : 0) - before.server),
      postgres: us(postgresTicks() - before.postgres),
    },
  };
}

// ---- pgbench: the same work, one request a commit

// Runs one script, or several turn about; answers one result for each.
function pgbench(scripts, clients, variables, seconds = 2) {
  const define = Object.entries({ i: 0, clients, ...variables }).flatMap(([k, v]) => [
    '-D',
    `${k}=${v}`,
  ]);
  const files = scripts.flatMap((s) => ['-f', path.resolve(here, `${s}.pgbench`)]);
  const options = ['-n', '-M', 'prepared', '-c', clients, '-j', Math.min(clients, 2)];
  const log = ['-l', '--log-prefix', path.join(build, 'pgbench')];
  const r = spawnSync(
    path.join(bin, 'pgbench'),
    [...options, '-T', seconds, ...log, ...define, ...files, url].map(String),
    { encoding: 'utf8', cwd: build },
  );
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

// The server's batched statement as pgbench can send it: its arrays have one element each and come
// from rows that are read once, where the server has them at hand.
function batchOfOne() {
  const typed = `WITH typed AS MATERIALIZED (SELECT
    ARRAY[(SELECT decode(digest, 'hex') FROM bench_code WHERE n = :n)] AS p2,
    ARRAY[(SELECT id FROM bench_member WHERE n = :m)] AS p3,
    ARRAY[uuid7()] AS p4, ARRAY[NULL::text] AS p5, ARRAY[NULL::text] AS p6), `;
  const sql = fs
    .readFileSync(path.join(root, 'db/sql/code_redeem.sql'), 'utf8')
    .replace(/^--.*\n/gm, '')
    .replace(/^WITH /, typed)
    .replace(/\$1\b/g, '1000')
    .replace(/\$(\d+)::\w+\[\]/g, '(SELECT p$1 FROM typed)');
  const file = path.join(build, 'batch_of_one.pgbench');
  fs.writeFileSync(
    file,
    `\\set n :base + :i * :clients + :client_id\n\\set i :i + 1\n\\set m :n % :members\n${sql};\n`,
  );
  return file.replace(/\.pgbench$/, '');
}

// ---- the measures

let serverProcess = null;
let helloPort = 0;
const next = { code: hotCodes + 1, hot: 1, lecture: 0 };
let codeTexts = [];
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const ours = `127.0.0.1:${port}`;

// A slice of unused codes for pgbench; it counts from :base in steps of its clients.
const reserve = (count) => {
  next.code += count;
  if (next.code > codes) throw new Error(`${codes} codes are used up: raise BENCH_SCALE`);
  return next.code - count;
};
const bestOf = (script, counts, variables) =>
  counts
    .map((c) => ({ clients: c, ...pgbench([script], c, variables(c))[0] }))
    .reduce((a, b) => (b.rate > a.rate ? b : a));

const redeemRequests = (from, count) =>
  Array.from({ length: count }, (_, i) =>
    request('POST', '/v1/redemptions', tokens[(from + i) % members], {
      code: codeTexts[from + i],
    }),
  );
const hotRequests = (from, count) =>
  Array.from({ length: count * members }, (_, i) =>
    request('POST', '/v1/redemptions', tokens[i % members], {
      code: codeTexts[from + Math.floor(i / members)],
    }),
  );

const measures = {
  redeem() {
    const rival = bestOf('redeem', [8, 64], () => ({ base: reserve(30_000), members }));
    const from = reserve(60_000);
    const us = load(ours, writeRequests('redeem.once', redeemRequests(from, 60_000)), 64);
    return { value: us.rate / rival.rate, us, rival };
  },
  hot() {
    const rival = bestOf('hot', [1, 8], () => ({ base: (next.hot += 3) - 3, members }));
    const from = (next.hot += 4) - 4;
    const us = load(ours, writeRequests('hot.once', hotRequests(from, 4)), 64);
    return { value: us.rate / rival.rate, us, rival };
  },
  async checkin() {
    const rival = bestOf('checkin', [8, 64], () => ({
      base: (next.lecture += 1) - 1,
      members,
    }));
    const list = [];
    for (let k = 0; k < 4; k++) {
      const lecture = lectureIds[next.lecture++];
      const reply = await fetch(`http://${ours}/v1/lectures/${lecture}/check-in-code`, {
        headers: { Authorization: `Bearer ${operatorToken}` },
      });
      if (!reply.ok) throw new Error(`check-in-code: ${reply.status} ${await reply.text()}`);
      const { code } = await reply.json();
      for (let i = 0; i < members; i++)
        list.push(
          request('POST', `/v1/lectures/${lecture}/check-ins`, tokens[i], {
            code,
            device_id: `device-${i}`,
          }),
        );
    }
    const us = load(ours, writeRequests('checkin.once', list), 64);
    return { value: us.rate / rival.rate, us, rival };
  },
  lecture() {
    const list = Array.from({ length: 4096 }, (_, i) =>
      request('GET', `/v1/lectures/${lectureIds[i % lectures]}`, tokens[i]),
    );
    const rival = load(
      `127.0.0.1:${helloPort}`,
      writeRequests('hello', [request('GET', '/')]),
      64,
    );
    const us = load(ours, writeRequests('lecture', list), 64);
    return { value: us.rate / rival.rate, us, rival };
  },
  schedule() {
    const rival = load(
      `127.0.0.1:${helloPort}`,
      writeRequests('hello', [request('GET', '/')]),
      64,
    );
    const us = load(
      ours,
      writeRequests('schedule', [request('GET', '/v1/communities/bench/lectures')]),
      64,
    );
    return { value: us.rate / rival.rate, us, rival };
  },
  // One client: what a batch of one costs beside the same job without a batch, turn about.
  p50() {
    const both = ['redeem_one', batchOfOne()];
    const [rival, us] = pgbench(both, 1, { base: reserve(20_000), members }, 4);
    return { value: us.p50_us / rival.p50_us, us, rival };
  },
};

// How a measure is shown.
const row = (name, ...cells) =>
  name.padEnd(10) + cells.map((c) => String(c).padStart(10)).join('');
const cpuOf = ({ cpu_us: cpu }) =>
  cpu ? `, CPU ${cpu.server} µs and ${cpu.postgres} µs of PostgreSQL a request` : '';

function books() {
  const wrong = Number(
    psql(`
    SELECT count(*) FROM invite_code c
    LEFT JOIN (SELECT code_id, count(*) n, count(e.id) spans FROM redemption r
               LEFT JOIN entitlement e
                 ON e.community_id = r.community_id AND e.member_id = r.member_id
                 AND e.id = r.id AND e.voided_at IS NULL
               WHERE r.released_at IS NULL GROUP BY code_id) r ON r.code_id = c.id
    WHERE c.used <> coalesce(r.n, 0) OR c.used > c.max_uses
      OR coalesce(r.n, 0) <> coalesce(r.spans, 0)`),
  );
  if (wrong) throw new Error(`the books don't balance: ${wrong} codes`);
}

// ---- the run

const children = [];
const start = (file, args, options) => {
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
  children.push(child);
  return child;
};
let lectureIds = [];
let operatorToken = '';
let failed = false;
try {
  fs.mkdirSync(build, { recursive: true });
  fs.writeFileSync(secretFile, '5a'.repeat(32) + '\n', { mode: 0o600 });
  url = startPostgres();
  const began = Date.now();
  console.log(
    `bench: ${os.cpus().length} cores, ${codes} codes, ${members} members, ${rounds} rounds`,
  );
  seed();
  console.log(`bench: seeded in ${((Date.now() - began) / 1000).toFixed(0)} s`);
  serverProcess = start(server, ['serve'], { env: environment() });
  await untilReady(`http://${ours}/readyz`, serverProcess);
  helloPort = await freePort();
  start(path.join(build, 'hello'), [String(helloPort), String(os.cpus().length)]);
  lectureIds = psql('SELECT id FROM bench_lecture ORDER BY n').trim().split('\n');
  codeTexts = [''].concat(psql('SELECT code FROM bench_code ORDER BY n').trim().split('\n'));
  const [kid, sealed] = psql(
    `SELECT kid, encode(sealed_private, 'hex') FROM signing_key
     WHERE retired_at IS NULL ORDER BY active_from DESC LIMIT 1`,
  )
    .trim()
    .split('|');
  const people = psql(
    'SELECT account_id, id, uuid7(), 1000, 1 FROM bench_member ORDER BY n',
  ).replaceAll('|', ',');
  const mint = (role, input) =>
    sh(
      path.join(build, 'prepare'),
      [secretFile, 'tokens', `http://127.0.0.1:${port}`, kid, sealed, role],
      { input },
    )
      .trim()
      .split('\n');
  tokens = mint('member', people);
  [operatorToken] = mint('operator', people.split('\n')[0] + '\n');
  // Tokens are met once before the rounds: `first-second` measures unseen ones.
  load(
    ours,
    writeRequests(
      'warm',
      tokens.map((t, i) => request('GET', `/v1/lectures/${lectureIds[i % lectures]}`, t)),
    ),
    64,
    0,
    '200',
    4,
  );
  const results = Object.fromEntries(
    Object.keys(measures)
      .filter(wanted)
      .map((id) => [id, []]),
  );
  for (let round = 1; round <= rounds; round++) {
    for (const id of Object.keys(results)) {
      psql('ANALYZE redemption, entitlement, attendance, invite_code');
      results[id].push(await measures[id]());
      const { value, us, rival } = results[id].at(-1);
      console.log(
        `round ${round} ${id} ${value.toFixed(2)}: ${us.rate.toFixed(0)}/s beside ` +
          `${rival.rate.toFixed(0)}/s${cpuOf(us)}`,
      );
    }
    books();
  }
  const report = {};
  console.log(
    '\n' + row('measure', 'ratio', 'floor', 'goal', 'ours/s', 'beside/s', 'p50 µs', 'p99 µs'),
  );
  for (const [id, list] of Object.entries(results)) {
    const value = median(list.map((r) => r.value));
    const middle = list.find((r) => r.value === value);
    const { floor, goal, lower } = goals[id];
    const held = lower ? value <= floor : value >= floor;
    failed ||= !held;
    report[id] = {
      value: +value.toFixed(3),
      unit: 'ratio',
      floor,
      goal,
      rounds: list.map((r) => +r.value.toFixed(3)),
      detail: { ours: middle.us, beside: middle.rival },
    };
    console.log(
      row(
        id,
        value.toFixed(2),
        floor,
        goal,
        middle.us.rate.toFixed(0),
        middle.rival.rate.toFixed(0),
        middle.us.p50_us ?? '',
        middle.us.p99_us ?? '',
      ) +
        cpuOf(middle.us) +
        (held ? '' : '   below its floor'),
    );
  }
  const file = path.join(root, 'build/bench.json');
  const before =
    fs.existsSync(file) && only.length ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
  fs.writeFileSync(file, JSON.stringify({ ...before, ...report }, null, 2) + '\n');
} catch (error) {
  console.error(`bench: ${error.message}`);
  failed = true;
} finally {
  for (const child of children) child.kill('SIGTERM');
  privatePg('stop');
}
process.exit(failed ? 1 : 0);
