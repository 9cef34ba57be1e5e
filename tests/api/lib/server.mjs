// A lyceum server of a story's own: started on a free port, stopped with SIGTERM, its log kept.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { environment } from './database.mjs';
import { PUBLIC_URL } from './tokens.mjs';

const START_MS = 120_000;
const STOP_MS = 60_000;
const REPORTS = /ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: |LeakSanitizer/;

export class Server {
  /** @param {{server: string, url: string, out: string, log: string, env: object}} what */
  constructor({ server, url, out, log, env }) {
    this.log = log;
    this.said = '';
    this.killed = false;
    const file = openSync(log, 'a');
    const settings = {
      PORT: '0',
      LYCEUM_BIND: '127.0.0.1',
      LYCEUM_LOOPS: '2',
      LYCEUM_DEMO: '1',
      LYCEUM_PUBLIC_URL: PUBLIC_URL,
    };
    this.child = spawn(server, ['serve'], {
      env: environment(url, out, { ...settings, ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const pipe of [this.child.stdout, this.child.stderr]) {
      pipe.setEncoding('utf8').on('data', (text) => {
        writeSync(file, text);
        if (this.said.length < 65_536) this.said += text;
      });
    }
    this.child.on('error', (error) => (this.said += error.message));
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      closeSync(file);
      this.code = code;
      this.signal = signal;
    });
  }

  get pid() {
    return this.child.pid;
  }

  get gone() {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Waits until it says which port it has, and /readyz answers 200. */
  async ready() {
    const until = Date.now() + START_MS;
    while (Date.now() < until) {
      if (this.gone) throw new Error(`the server ended at start:\n${this.said}`);
      this.port ??= Number(
        /\bport=(\d+)|127\.0\.0\.1:(\d+)/.exec(this.said)?.slice(1).find(Boolean),
      );
      if (this.port > 0 && (await this.#answers())) return this;
      if (!(this.port > 0)) this.port = undefined;
      await sleep(15);
    }
    throw new Error(`the server is not ready after ${START_MS} ms:\n${this.said}`);
  }

  /** Each loop has links of its own: ready is who is ready on several connections. */
  async #answers() {
    const look = () =>
      new Promise((done) => {
        const request = http.get(`${this.url}/readyz`, { agent: false }, (reply) => {
          reply.resume().on('end', () => done(reply.statusCode === 200));
        });
        request.on('error', () => done(false));
      });
    return (await Promise.all(Array.from({ length: 8 }, look))).every(Boolean);
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Stops it and says what was wrong with its end; an empty list when nothing was. */
  async stop(signal = 'SIGTERM') {
    if (!this.gone) this.child.kill(signal);
    const late = sleep(STOP_MS, 'late', { ref: false });
    if ((await Promise.race([this.ended, late])) === 'late') {
      this.child.kill('SIGKILL');
      await this.ended;
      return [`the server did not stop within ${STOP_MS} ms of ${signal}`];
    }
    return this.#troubles();
  }

  /** As the machine would on a power cut; that it ends by the signal is then no fault. */
  async kill() {
    this.killed = true;
    this.child.kill('SIGKILL');
    await this.ended;
  }

  #troubles() {
    const troubles = [];
    const report = readFileSync(this.log, 'utf8')
      .split('\n')
      .findIndex((line) => REPORTS.test(line));
    if (this.code !== 0 && !this.killed) {
      const tail = this.said.slice(-2000);
      troubles.push(`the server ended with ${this.signal ?? this.code}; it said:\n${tail}`);
    }
    if (report >= 0) troubles.push(`a sanitizer's report is in ${this.log}, line ${report + 1}`);
    return troubles;
  }
}
