#!/usr/bin/env node
// Runs the stories: each file of tests/api/ on its own database and with its own server.
//
//   node tests/api/run.mjs [--only NAME,NAME] [--jobs N] [--server build/lyceum] [--strict]
//                          [--from FOLDER]   other stories than those beside this file
//
// LYCEUM names the binary, ONLY the files, LYCEUM_TEST_PG an owner's connection to a PostgreSQL in
// which databases may be made; without it a private one is started in build/test-pg.
import { fork, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Coverage } from './lib/coverage.mjs';
import { makeTemplates, dropAll } from './lib/database.mjs';
import { Promises } from './lib/promises.mjs';
import { findServerLog, Secrets } from './lib/secrets.mjs';

/** They begin, for at the end of a run the other lanes would stand idle beside them. */
const LONG = ['notices_sent', 'webhooks_trouble', 'core_memory', 'core_slow', 'life_renewals'];

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: process.env.ONLY ?? '' },
    jobs: { type: 'string', default: '4' }, // they wait more than they work
    server: { type: 'string', default: process.env.LYCEUM ?? join(root, 'build/lyceum') },
    strict: { type: 'boolean', default: false },
    from: { type: 'string', default: here },
  },
});

/** The same command again, inside a PostgreSQL that lives as long as it does. */
function runInPrivatePostgres() {
  const again = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const script = 'LYCEUM_TEST_PG=$DATABASE_URL exec "$@"';
  const { status } = spawnSync(
    join(root, 'db/private.sh'),
    ['--fast', 'run', join(root, 'build/test-pg'), 'sh', '-c', script, 'sh', ...again],
    { stdio: 'inherit' },
  );
  process.exit(status ?? 1);
}

function storyFiles() {
  const wanted = options.only.split(',').filter(Boolean);
  return readdirSync(options.from)
    .filter((name) => name.endsWith('.mjs') && name !== 'run.mjs')
    .map((name) => basename(name, '.mjs'))
    .filter((name) => !wanted.length || wanted.includes(name))
    .sort((a, b) => LONG.includes(b) - LONG.includes(a) || (a < b ? -1 : 1));
}

/** Runs one file in a process of its own and resolves to its tally. */
function runFile(name, job, { coverage, promises, secrets }) {
  return new Promise((done) => {
    const tally = { passed: 0, failed: 0 };
    const child = fork(join(here, 'lib/file.mjs'), [], {
      env: { ...process.env, LYCEUM_STORY: JSON.stringify({ ...job, root, name }) },
    });
    child.on('message', (message) => {
      if (message.coverage) return coverage.add(message.coverage);
      if (message.secrets) return secrets.add(message.secrets);
      if (message.figure) return promises.add(message.figure);
      tally[message.passed ? 'passed' : 'failed']++;
      console.log(`${message.passed ? 'ok  ' : 'FAIL'}  ${name}: ${message.title}`);
      if (message.trouble) console.log(message.trouble.replace(/^/gm, '      '));
    });
    child.on('exit', (code, signal) => {
      if (code !== 0 && !tally.failed) {
        tally.failed++;
        console.log(`FAIL  ${name}: its process ended with ${signal ?? code}`);
      }
      done(tally);
    });
  });
}

async function runAll(files, job, told) {
  const waiting = [...files];
  const total = { passed: 0, failed: 0 };
  const lane = async () => {
    for (let name = waiting.shift(); name; name = waiting.shift()) {
      const tally = await runFile(name, job, told);
      total.passed += tally.passed;
      total.failed += tally.failed;
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Number(options.jobs)) }, lane));
  return total;
}

if (!process.env.LYCEUM_TEST_PG) runInPrivatePostgres();
const files = storyFiles();
if (!files.length) {
  console.error(`no story file is called ${options.only}`);
  process.exit(2);
}
const out = join(root, 'build/test');
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const coverage = new Coverage();
const promises = new Promises();
const secrets = new Secrets();
const started = Date.now();
const server = resolve(options.server);
const serverLog = await findServerLog(process.env.LYCEUM_TEST_PG);
const from = resolve(options.from);
const templates = await makeTemplates(process.env.LYCEUM_TEST_PG, server, out);
const total = await runAll(files, { server, out, templates, from }, { coverage, promises, secrets });
await dropAll(process.env.LYCEUM_TEST_PG);

const { found, said } = secrets.search(out, serverLog);
const clean = found.length === 0;
total[clean ? 'passed' : 'failed']++;
console.log(`${clean ? 'ok  ' : 'FAIL'}  no log holds a secret: ${said}`);
for (const what of found.slice(0, 20)) console.log(`      ${what}`);
promises.add({ name: 'secrets', value: found.length, said, held: clean });
if (!options.only && from === here) {
  total.failed += coverage.report(options.strict);
  total.failed += promises.report(join(out, 'promises.txt'), options.strict);
}
console.log(`stories took ${((Date.now() - started) / 1000).toFixed(1)} s; logs are in ${out}`);
console.log(`stories: ${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed ? 1 : 0);
