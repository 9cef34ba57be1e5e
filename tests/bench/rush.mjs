// The measures of a rush, of memory and of time: what a crowd, a long day and a restart cost. They
// have no rival; each is one round of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../api/lib/port.mjs';
import {
  build,
  descriptors,
  judged,
  lectures,
  members,
  program,
  request,
  root,
  rssMib,
  startLoad,
  untilReady,
  writeRequests,
} from './stage.mjs';

const schedulePage = request('GET', '/v1/communities/bench/lectures');

// 5,000 phones with a connection each, within one second, with tokens that nobody has seen.
async function flash({ site }) {
  const crowd = site.mint('member', 5000);
  const file = writeRequests('flash.once', await site.checkIns(1, crowd));
  const us = site.load(file, {
    connections: crowd.length,
    rate: crowd.length,
    all: true,
  });
  return { value: us.seconds, us, broken: us.p99_us > 500_000 && 'p99 over 500 ms' };
}

// A server of its own, so that nothing but the connections fills it.
async function memory({ site }) {
  const port = await freePort();
  const server = await site.serve(port);
  const before = rssMib(server.pid);
  const connections = 10_000;
  const crowd = startLoad(`127.0.0.1:${port}`, writeRequests('idle', [schedulePage]), {
    connections,
    idle: true,
  });
  await once(crowd.stdout, 'data'); // "idle": each has asked once and stays
  await sleep(1000);
  const value = rssMib(server.pid);
  const open = descriptors(server.pid);
  crowd.stdin.end();
  await once(crowd, 'exit');
  server.kill('SIGTERM');
  await once(server, 'exit');
  if (open < connections) throw new Error(`only ${open} descriptors are open`);
  return { value, us: { empty_mib: +before.toFixed(1), descriptors: open } };
}

// ---- tail: hours of an ordinary day, in which PostgreSQL also cleans up and is backed up, and
// people get new tokens before theirs end

const tailSeconds = Number(process.env.BENCH_TAIL_SECONDS ?? 20);
const tokenSeconds = 600;
const weights = { redeem: 1, lecture: 5, schedule: 3, membership: 1 };
const share = weights.redeem / Object.values(weights).reduce((a, b) => a + b);

function* repeat(count, make) {
  for (let i = 0; i < count; i++) yield make(i);
}

function mix(site, name, redemptions) {
  const own = (i) => site.tokens[i % members];
  const lists = {
    redeem: site.redeeming(site.reserve(redemptions), redemptions),
    lecture: repeat(members, (i) =>
      request('GET', `/v1/lectures/${site.lectureIds[i % lectures]}`, own(i)),
    ),
    schedule: [schedulePage],
    membership: repeat(members, (i) => request('GET', '/v1/me/membership', own(i))),
  };
  return Object.entries(lists).map(
    ([id, list]) =>
      `${writeRequests(id === 'redeem' ? `${name}.once` : `${name}-${id}`, list)}*${weights[id]}`,
  );
}

/** VACUUM and a base backup, one after the other, until told to stop; how many there were. */
function housekeeping(site) {
  const state = { vacuums: 0, backups: 0, going: true };
  const one = async (file, args) => {
    const env = { ...process.env, PGOPTIONS: '-c vacuum_cost_delay=2' }; // autovacuum's pace
    const child = spawn(program(file), args, { stdio: 'ignore', env });
    state.stop = () => child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    if (code !== 0 && state.going) throw new Error(`${file} ended with ${code}`);
    return state.going;
  };
  const work = async () => {
    while (state.going) {
      state.vacuums += await one('vacuumdb', ['-qz', '-d', site.url]);
      const gently = ['-c', 'fast', '--max-rate=64M']; // as docs/OPERATE.md has it
      const backup = ['-d', site.url, '-D', '-', '-Ft', '-X', 'none', ...gently];
      if (state.going) state.backups += await one('pg_basebackup', backup);
    }
  };
  state.done = work();
  return state;
}

/** Memory and descriptors of the server, looked at every so often until told to stop. */
function watch(pid, seconds) {
  const seen = { rss: [], fds: [] };
  const look = () => {
    seen.rss.push(+rssMib(pid).toFixed(1));
    seen.fds.push(descriptors(pid));
  };
  const timer = setInterval(look, Math.max(500, seconds * 20));
  return { seen, stop: () => clearInterval(timer) };
}

/** Within a stretch, when all was warm: new tokens take their places in the cache at its begin. */
function grown({ rss, fds }) {
  const at = Math.ceil(rss.length / 10);
  const more = rss.at(-1) - rss[at];
  if (more > Math.max(1, rss[at] * 0.03)) return `memory grew by ${more.toFixed(1)} MiB`;
  return fds.at(-1) > fds[at] + 8 ? 'descriptors grew' : false;
}

/** One stretch at this rate, with tokens of its own. */
async function stretch(site, rate, seconds) {
  site.signInAgain();
  const files = mix(site, 'tail', Math.ceil(rate * share * (seconds + 3)));
  const crowd = startLoad(site.address, files, { connections: 256, rate, seconds });
  const watched = watch(site.process.pid, seconds);
  let said = '';
  crowd.stdout.on('data', (d) => (said += d));
  crowd.on('exit', watched.stop);
  const [status] = await once(crowd, 'exit');
  return { ...judged(files, said, status), ...watched.seen, broken: grown(watched.seen) };
}

async function tail({ site }) {
  const peak = site.load(mix(site, 'peak', 20_000), { seconds: 3 }).rate;
  const house = housekeeping(site);
  const stretches = [];
  for (let left = tailSeconds; left > 0; left -= tokenSeconds)
    stretches.push(await stretch(site, peak / 2, Math.min(left, tokenSeconds)));
  house.going = false;
  house.stop();
  await house.done;
  const worst = stretches.reduce((a, b) => (a.p999_us > b.p999_us ? a : b));
  const us = {
    ...worst,
    stretches: stretches.map(({ p999_us, rss, fds }) => ({ p999_us, rss, fds })),
    peak,
    vacuums: house.vacuums,
    backups: house.backups,
  };
  const broken = stretches.map((s) => s.broken).find(Boolean);
  return { value: us.p999_us / 1000, us, broken };
}

// ---- what make takes

const make = (...args) => {
  const { MAKELEVEL: _, MAKEFLAGS: __, ...env } = process.env;
  return spawn('make', args, { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] });
};
const secondsSince = (began) => Number(process.hrtime.bigint() - began) / 1e9;

async function cleanBuild() {
  const folder = path.join('build/bench/clean');
  fs.rmSync(path.join(root, folder), { recursive: true, force: true });
  const began = process.hrtime.bigint();
  const [code] = await once(make(`BUILD=${folder}`, 'all'), 'exit');
  if (code !== 0) throw new Error('make failed');
  return { value: secondsSince(began), us: {} };
}

// The second start: the private PostgreSQL was stopped, its data is there.
async function secondStart() {
  const home = path.join(build, 'home');
  fs.rmSync(home, { recursive: true, force: true });
  const port = await freePort();
  const run = async () => {
    const began = process.hrtime.bigint();
    const child = make('run', `LYCEUM_DATA=${home}`, `PORT=${port}`);
    await untilReady(`http://127.0.0.1:${port}/readyz`, child);
    const value = secondsSince(began);
    child.kill('SIGTERM');
    await once(child, 'exit');
    return value;
  };
  const first = await run();
  return { value: await run(), us: { first_s: +first.toFixed(2) } };
}

const lower = true;
/** @type {Record<string, {floor: number, goal: number, unit: string, once?: true}>} */
export const rushes = {
  flash: { floor: 6, goal: 3, unit: 's', lower, measure: flash },
  memory: { floor: 320, goal: 128, unit: 'MiB', lower, measure: memory, once: true },
  tail: { floor: 500, goal: 100, unit: 'ms', lower, measure: tail, once: true },
  build: { floor: 60, goal: 20, unit: 's', lower, measure: cleanBuild, once: true },
  start: { floor: 3, goal: 1, unit: 's', lower, measure: secondStart, once: true },
};
