// How the others fare while somebody is slow, or asks for what is dear.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { race } from './story.mjs';
import { expect } from './expect.mjs';

/** Asks in turn on 4 kept connections while `run` goes on: each answer's time, in order of it. */
export async function timesDuring(run, asks) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const times = [];
  let over = false;
  const asking = race(4, async (i) => {
    while (!over) {
      const began = performance.now();
      expect(await asks(agent)).is(200);
      times.push(performance.now() - began);
      await sleep(5 + i);
    }
  });
  const running = run().finally(() => (over = true));
  const [result] = await Promise.all([running, asking]);
  agent.destroy();
  return [result, times.sort((a, b) => a - b)];
}
export const p99 = (times) => times[Math.floor(times.length * 0.99)];

/** asker(port, path)(agent) gives the status of one answer. */
export const asker = (port, path, headers) => (agent) =>
  new Promise((done, fail) => {
    http
      .get({ host: '127.0.0.1', port, path, headers, agent }, (reply) => {
        reply.resume().on('end', () => done(reply.statusCode));
      })
      .on('error', fail);
  });
