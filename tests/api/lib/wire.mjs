// The wire between a server and PostgreSQL, in a story's hands: it can be cut, blocked or go dead.
import net from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConninfo, urlOf } from './database.mjs';

const PORT = 5432;

/** `.env` is for start(): a server that reaches `database` through this wire only. */
export class Wire {
  #pairs = new Set();
  #stuck = false;
  #refusing = false;

  static async open(database, conninfo = process.env.LYCEUM_TEST_PG) {
    const wire = new Wire();
    const { host = '127.0.0.1', port = '5432' } = readConninfo(conninfo);
    const there = host.startsWith('/')
      ? { path: join(host, `.s.PGSQL.${port}`) }
      : { host, port: Number(port) };
    wire.folder = mkdtempSync(join(tmpdir(), 'wire-'));
    wire.listener = net.createServer((here) => wire.#join(here, there));
    const path = join(wire.folder, `.s.PGSQL.${PORT}`);
    await new Promise((ready) => wire.listener.listen(path, ready));
    const changed = { ...readConninfo(conninfo), host: wire.folder, port: String(PORT) };
    const text = Object.entries(changed).map(([k, v]) => `${k}='${v}'`).join(' ');
    wire.env = { DATABASE_URL: urlOf(text, database) };
    return wire;
  }

  #join(here, there) {
    if (this.#refusing) {
      here.destroy();
      return;
    }
    const far = net.connect(there);
    const pair = [here, far];
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [far, here]]) {
      from.on('data', (bytes) => to.write(bytes));
      if (this.#stuck) from.pause();
      from.on('error', () => {});
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
  }

  /** Every connection ends without a word, as when PostgreSQL is killed. */
  cut() {
    for (const pair of this.#pairs) pair.forEach((end) => end.destroy());
  }

  /** Nobody gets through until `allow()`. */
  refuse() {
    this.#refusing = true;
    this.cut();
  }

  allow() {
    this.#refusing = false;
  }

  /** Connections stay and can be made, and nothing comes through them until `flow()`. */
  stick() {
    this.#stuck = true;
    for (const pair of this.#pairs) pair.forEach((end) => end.pause());
  }

  flow() {
    this.#stuck = false;
    for (const pair of this.#pairs) pair.forEach((end) => end.resume());
  }

  close() {
    this.cut();
    this.listener.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
