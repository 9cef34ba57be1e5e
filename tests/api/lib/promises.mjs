// The promises that the stories hold, with their figures: what was measured stands in a table at the
// end of a run, and what nobody measured fails it.
import { writeFileSync } from 'node:fs';
import { expect } from './expect.mjs';

// Sanitizers and coverage take their time, which says nothing about the server's.
export const PATIENCE = process.env.SANITIZE || process.env.COVERAGE ? 10 : 1;
const ms = (most) => ({ most: most * PATIENCE, unit: ' ms' });
const none = { most: 0, unit: '' };

/** name: [the promise, what is measured, its limit]; a name's worst value counts. */
const PROMISES = {
  oversold_1: ['Nothing limited is oversold', '64 race for 1 use; got one', { is: 1 }],
  oversold_5: ['', '64 race for 5 uses; got one', { is: 5 }],
  oversold_63: ['', '64 race for 63 uses; got one', { is: 63 }],
  oversold_5xx: ['', 'answers of these with 5xx', none],
  forged: ['Forged tokens fail', 'forged tokens that were taken', none],
  refresh_tabs: ['A stolen refresh token dies', 'of 20 parallel refreshes, signed out', none],
  refresh_reuse: ['', 'reuse after the grace: family ended', ms(1000)],
  replay: ['Idempotency', 'replays that differ, after a restart', none],
  rights: ['Authorisation', 'calls not answered by the route table', none],
  malformed: ['Strict about HTTP', 'malformed requests that were taken', none],
  malformed_ms: ['', 'the slowest of them to be closed', ms(2000)],
  slow_others: ['Slow clients harm nobody', '100 heads, bodies, readers: others’ p99', ms(1000)],
  slow_head: ['', 'the last dripped head gone', ms(10_000)],
  slow_body: ['', 'the last dripped body gone', ms(15_000)],
  slow_reader: ['', 'the last slow reader gone', ms(15_000)],
  full_old: ['Full is told', 'connections at the limit that went unserved', none],
  full_new: ['', 'connections beyond it that were left waiting', none],
  suspended: ['Who waits delays nobody', '1,000 wait; slowest other answer', ms(1000)],
  hashing: ['Password hashing is bounded', '64 sign-ins queue: others’ p99', ms(200)],
  guesses: ['Known and unknown look alike', 'medians of 200 that differ', { most: 5, unit: ' %' }],
  secrets: ['No secret in a log', 'secrets found in all logs of the run', none],
};

/** What was measured of a promise. `said` tells more than the number, such as of how many. */
export function figure(name, value, said = '') {
  const [, what, limit] = PROMISES[name];
  const held = 'is' in limit ? value === limit.is : value <= limit.most;
  process.send({ figure: { name, value, said, held } });
  console.log(`      ${what}: ${show(value, limit)}${said && `, ${said}`}`);
  expect(held).isTrue(`${what}: ${show(value, limit)}, not ${bound(limit)}`);
}

const show = (value, { unit = '' }) => `${Number.isInteger(value) ? value : value.toFixed(1)}${unit}`;
const bound = (limit) => (limit.most ? `≤ ${show(limit.most, limit)}` : `${limit.is ?? 0}`);

export class Promises {
  #seen = new Map();

  add(figure) {
    const worst = this.#seen.get(figure.name);
    const worse = !worst || (worst.held && (!figure.held || figure.value >= worst.value));
    if (worse) this.#seen.set(figure.name, figure);
  }

  /** Writes the table; gives how many nobody measured. */
  report(file, strict) {
    let missing = 0;
    const rows = Object.entries(PROMISES).map(([name, [promise, what, limit]]) => {
      const seen = this.#seen.get(name);
      if (!seen) missing++;
      const value = seen ? show(seen.value, limit) + (seen.said && `, ${seen.said}`) : 'nobody did';
      return [promise, what, bound(limit), value, seen?.held ? 'yes' : 'NO'];
    });
    const table = [['promise', 'measured', 'ours', 'is', 'held'], ...rows];
    const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)));
    const line = (row) => row.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd();
    writeFileSync(file, `${table.map(line).join('\n')}\n`);
    if (missing) console.log(`${strict ? 'FAIL' : 'note'}  ${missing} promises were not measured`);
    return strict ? missing : 0;
  }
}
