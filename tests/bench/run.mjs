// The goals of docs/PERFORMANCE.md, measured in one interleaved run.
//
//   node tests/bench/run.mjs            ONLY=redeem,hot  BENCH_SCALE=1000000  BENCH_ROUNDS=5
//                                       BENCH_TAIL_SECONDS=20  BENCH_FLOORS=tell
//
// Prints a table, writes build/bench.json, and ends with 1 when a floor is missed, a status was
// unexpected, or the books don't balance after the load. BENCH_FLOORS=tell only tells of floors, for
// a run that is too short, on a machine too busy, to judge.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '../api/lib/port.mjs';
import { ratios } from './ratios.mjs';
import { rushes } from './rush.mjs';
import {
  build,
  closeStage,
  members,
  openStage,
  root,
  Site,
  start,
} from './stage.mjs';

const codes = Number(process.env.BENCH_SCALE ?? 1_000_000);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const judges = process.env.BENCH_FLOORS !== 'tell';
const only = (process.env.ONLY ?? '').split(',').filter(Boolean);
const wanted = (id) => only.length === 0 || only.includes(id);
const measures = Object.entries({ ...ratios, ...rushes }).filter(([id]) => wanted(id));
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** The databases, and servers on them. */
async function prepare() {
  const began = Date.now();
  console.log(
    `bench: ${os.cpus().length} cores, ${codes} codes, ${members} members, ${rounds} rounds`,
  );
  openStage();
  const stage = { site: await new Site('lyceum', codes).open() };
  if (wanted('growth')) {
    stage.small = await new Site('small', Math.floor(codes / 10)).open();
    stage.small.rounds = rounds;
  }
  const port = await freePort();
  stage.hello = `127.0.0.1:${port}`;
  start(path.join(build, 'hello'), [String(port), String(os.cpus().length)]);
  console.log(`bench: seeded in ${((Date.now() - began) / 1000).toFixed(0)} s`);
  return stage;
}

const cpuOf = ({ cpu_us: cpu }) =>
  cpu ? `, CPU ${cpu.server} µs and ${cpu.postgres} µs of PostgreSQL a request` : '';
const beside = (rival) => (rival ? ` beside ${rival.rate.toFixed(0)}/s` : '');

function tell(round, id, unit, { value, us, rival }) {
  const rate = us.rate ? `: ${us.rate.toFixed(0)}/s${beside(rival)}${cpuOf(us)}` : '';
  console.log(`round ${round} ${id} ${value.toFixed(2)} ${unit}${rate}`);
}

async function measure(stage) {
  const results = Object.fromEntries(measures.map(([id]) => [id, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const site of [stage.site, stage.small].filter(Boolean)) site.signInAgain();
    for (const [id, m] of measures) {
      if (m.once && round < rounds) continue;
      for (const site of [stage.site, stage.small].filter(Boolean))
        site.sql('ANALYZE redemption, entitlement, attendance, invite_code');
      const result = await m.measure(stage);
      results[id].push(result);
      tell(round, id, m.unit, result);
    }
    stage.site.books();
    stage.small?.books();
  }
  return results;
}

// ---- the report

const row = (name, ...cells) =>
  name.padEnd(13) + cells.map((c) => String(c ?? '').padStart(10)).join('');

/** One object of build/bench.json, and whether its floor is held. */
function judge(id, m, list) {
  const value = median(list.map((r) => r.value));
  const middle = list.find((r) => r.value === value);
  const broken = list.map((r) => r.broken).find(Boolean);
  const held = !broken && (m.lower ? value <= m.floor : value >= m.floor);
  const { us, rival } = middle;
  const why = broken || 'misses its floor';
  console.log(
    row(
      id,
      value.toFixed(2),
      m.unit,
      m.floor,
      m.goal,
      us.rate?.toFixed(0),
      rival?.rate.toFixed(0),
      us.p50_us,
      us.p99_us,
    ) +
      cpuOf(us) +
      (held ? '' : `   ${why}`),
  );
  const report = {
    value: +value.toFixed(3),
    unit: m.unit,
    floor: m.floor,
    goal: m.goal,
    rounds: list.map((r) => +r.value.toFixed(3)),
    detail: rival ? { ours: us, beside: rival } : us,
  };
  return { good: held || !judges, report };
}

function report(results) {
  const file = path.join(root, 'build/bench.json');
  const all = fs.existsSync(file) && only.length ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
  const heads = ['value', 'unit', 'floor', 'goal', 'ours/s', 'beside/s', 'p50 µs', 'p99 µs'];
  console.log('\n' + row('measure', ...heads));
  let missed = 0;
  for (const [id, m] of measures) {
    const judgement = judge(id, m, results[id]);
    missed += judgement.good ? 0 : 1;
    all[id] = judgement.report;
  }
  fs.writeFileSync(file, JSON.stringify(all, null, 2) + '\n');
  console.log(`bench: ${measures.length - missed} passed, ${missed} failed`);
  return !missed;
}

let held = false;
try {
  held = report(await measure(await prepare()));
} catch (error) {
  console.error(`bench: ${error.stack}`);
} finally {
  closeStage();
}
process.exit(held ? 0 : 1);
