// Databases of the stories: templates are made once a run, each story file works on a clone.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { SECRET } from './tokens.mjs';

// BIGINT fits a JavaScript number in every story.
pg.types.setTypeParser(20, Number);

/** Host, port, user and password of a libpq URL or conninfo string. */
export function readConninfo(conninfo) {
  if (!conninfo.includes('://')) {
    const pairs = [...conninfo.matchAll(/(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|\S+)/g)];
    return Object.fromEntries(pairs.map(([, k, v]) => [k, v.replace(/^'|'$/g, '')]));
  }
  const url = new URL(conninfo.replace(/:\/\/\//, '://_/'));
  const parts = { dbname: url.pathname.slice(1) || 'postgres' };
  if (url.hostname !== '_') parts.host = url.hostname;
  if (url.port) parts.port = url.port;
  if (url.username) parts.user = decodeURIComponent(url.username);
  if (url.password) parts.password = decodeURIComponent(url.password);
  return { ...parts, ...Object.fromEntries(url.searchParams) };
}

/** The same connection to another database, as a libpq URL. */
export function urlOf(conninfo, database) {
  const { host, port, user, password } = readConninfo(conninfo);
  const query = new URLSearchParams(
    Object.entries({ host, port, user, password }).filter(([, value]) => value),
  );
  return `postgresql:///${database}?${query}`;
}

export async function connect(conninfo, database) {
  const { host, port, user, password } = readConninfo(conninfo);
  const client = new pg.Client({ host, port: Number(port ?? 5432), user, password, database });
  await client.connect();
  client.on('error', () => {}); // a story may end its own connection
  return client;
}

async function administer(conninfo, work) {
  const client = await connect(conninfo, readConninfo(conninfo).dbname ?? 'postgres');
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const ours = `story_${process.pid}_`;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Drops the databases of this run, and of runs that were killed. */
export function dropAll(conninfo) {
  return administer(conninfo, async (client) => {
    const { rows } = await client.query(
      `SELECT datname FROM pg_database WHERE datname LIKE 'story\\_%'`,
    );
    for (const { datname } of rows) {
      const pid = Number(datname.split('_')[1]);
      if (datname.startsWith(ours) || !isAlive(pid)) {
        await client.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
      }
    }
  });
}

/** Environment in which `lyceum` runs: nothing of the developer's own settings leaks in. */
export function environment(url, out, more = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(LYCEUM|PG|PORT$)/.test(name));
  const secret = join(out, 'secret');
  return { ...Object.fromEntries(kept), DATABASE_URL: url, LYCEUM_SECRET_FILE: secret, ...more };
}

function runLyceum(server, words, url, out) {
  const run = spawnSync(server, words, { env: environment(url, out), encoding: 'utf8' });
  if (run.status === 0) return;
  const said = run.error?.message ?? `${run.stdout}${run.stderr}`;
  throw new Error(`lyceum ${words.join(' ')} failed (${run.signal ?? run.status}):\n${said}`);
}

/** Makes the template databases: `plain` is migrated, `demo` holds the demo community, too. */
export async function makeTemplates(conninfo, server, out) {
  await dropAll(conninfo);
  if (!existsSync(join(out, 'secret'))) {
    // One cluster has one server role, so all runs in it share what its password is made from.
    writeFileSync(join(out, 'secret'), `${SECRET}\n`, { mode: 0o600 });
  }
  const plain = `${ours}plain`;
  await administer(conninfo, (client) => client.query(`CREATE DATABASE ${plain}`));
  runLyceum(server, ['migrate'], urlOf(conninfo, plain), out);
  return { plain, demo: `${ours}demo`, run: process.pid };
}

/** The demo template is made by whoever needs it first; an advisory lock makes the others wait. */
async function makeDemo(client, conninfo, job) {
  await client.query('SELECT pg_advisory_lock(7001)');
  const { rows } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [
    job.templates.demo,
  ]);
  if (!rows.length) {
    await client.query(`CREATE DATABASE ${job.templates.demo} TEMPLATE ${job.templates.plain}`);
    runLyceum(job.server, ['demo'], urlOf(conninfo, job.templates.demo), job.out);
  }
  await client.query('SELECT pg_advisory_unlock(7001)');
}

/** A clone for one story file; `template` is plain or demo. */
export function makeClone(conninfo, job, template) {
  const name = `${job.templates.plain.replace(/plain$/, 'of_')}${job.name.replace(/\W/g, '_')}`;
  return administer(conninfo, async (client) => {
    if (template === 'demo') await makeDemo(client, conninfo, job);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${job.templates[template]}`);
    return name;
  });
}

export function dropClone(conninfo, name) {
  return administer(conninfo, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  );
}

export const randomId = () => randomBytes(6).toString('hex');
