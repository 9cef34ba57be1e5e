// `lyceum migrate` and `lyceum serve` while one allocation after the other fails, from the first
// on: each ends well or says why not; none crashes, none hangs.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, story } from '../api/lib/story.mjs';
import { Control, KINDS, sources } from '../api/lib/torture.mjs';

const job = JSON.parse(process.env.LYCEUM_STORY);
const MS = 1_800_000;
/** Each of so many first ones, and then so many apart. */
const EACH = Number(process.env.TORTURE_STEP || 1) > 1 ? 10 : 300;
const APART = Number(process.env.TORTURE_STEP || 1) > 1 ? 397 : 37;
const HANGS_MS = 90_000;

/** The command until it ends, or until it is ready and was told to: { code, signal, said }. */
async function run(context, control, words) {
  const { lyceum } = context;
  const env = {
    LD_PRELOAD: process.env.TORTURE_LIBRARY,
    TORTURE: control.path,
    PORT: '0',
    LYCEUM_LOOPS: '1',
    LYCEUM_BIND: '127.0.0.1',
  };
  const command = lyceum(words, { env });
  let said = '';
  let told = false;
  const look = (text) => {
    said += text;
    const port = /\bport=(\d+)/.exec(said)?.[1];
    if (!port || told) return;
    told = true;
    stop(command, port);
  };
  command.child.stdout.on('data', look);
  command.child.stderr.on('data', look);
  const late = sleep(HANGS_MS, { signal: 'it hangs' }, { ref: false });
  const { code, signal } = await Promise.race([command.done, late]);
  if (signal === 'it hangs') await command.kill('SIGKILL');
  return { code, signal, said };
}

/** Ends a server once it is ready. */
async function stop(command, port) {
  while (command.child.exitCode === null && command.child.signalCode === null) {
    const reply = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (reply?.ok) return command.child.kill('SIGTERM');
    await sleep(20);
  }
}

async function all(context, words) {
  const control = new Control(join(job.out, `torture-${job.name}-${words}`));
  const wrong = [];
  const tally = { failures: 0, well: 0, told: 0 };
  for (let n = 1, missed = 0; missed < 2; n += n < EACH ? 1 : APART) {
    control.arm(KINDS.allocation, n);
    const { code, signal, said } = await run(context, control, words);
    const { failed, place } = control.disarm();
    if (!failed) missed++;
    else tally.failures++;
    tally[code === 0 ? 'well' : 'told']++;
    const good = code === 0 || (failed && code > 0 && said.trim() !== '');
    if (!good || (code > 0 && /Sanitizer|runtime error/.test(said)))
      wrong.push(
        `${n}: ${signal ?? code} ${said.slice(-200)}\n        at ${sources(place, job.server)}`,
      );
  }
  control.close();
  console.log(`      ${words}: ${tally.failures} failures, ${tally.well} well, ${tally.told} told`);
  if (wrong.length) throw new Error(`${wrong.length} wrong:\n${wrong.slice(0, 20).join('\n')}`);
  expect(tally.failures).atLeast(10);
}

for (const words of ['migrate', 'serve'])
  story(`lyceum ${words} when an allocation fails`, (context) => all(context, words), MS);
