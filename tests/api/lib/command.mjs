// A run of the command line: `await lyceum('keys list --json').done` gives
// { code, signal, out, err, json }.
import { spawn } from 'node:child_process';
import { environment } from './database.mjs';

export class Command {
  constructor({ program, words, url, out, env, input = '' }) {
    const list = Array.isArray(words) ? words : words.split(' ');
    this.child = spawn(program, list, { env: environment(url, out, env) });
    const said = { out: '', err: '' };
    this.child.stdout.setEncoding('utf8').on('data', (text) => (said.out += text));
    this.child.stderr.setEncoding('utf8').on('data', (text) => (said.err += text));
    this.child.stdin.on('error', () => {}); // it may end before it has read
    this.child.stdin.end(input);
    this.done = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        resolve({ code, signal, ...said, ...last(said.out) });
      });
    });
  }

  kill(signal) {
    this.child.kill(signal);
    return this.done;
  }
}

/** The last line as JSON, for runs with --json. */
function last(out) {
  try {
    return { json: JSON.parse(out.trim().split('\n').at(-1)) };
  } catch {
    return {};
  }
}
