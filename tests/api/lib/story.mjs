// What a story file imports.
export { expect } from './expect.mjs';
export { raw } from './client.mjs';
export { uuid7, PASSWORD } from './people.mjs';
export { figure, PATIENCE } from './promises.mjs';
export { eventually, makeCertificate, startMailServer, startPeer } from './peers.mjs';

export const stories = [];

/** One story: a sentence, and how it goes. A file's stories run in order, on one server and one
 * database, each in a community of its own. It may take so many milliseconds. */
export function story(title, tell, ms = 900_000) {
  stories.push({ title, tell, ms });
}

/** Asks until the answer is another than that one should ask again: 503 `busy` or `deadline`, which
 * races on a loaded machine meet. */
export async function patiently(ask) {
  for (let i = 0; ; i++) {
    const reply = await ask();
    if (i >= 100 || !['busy', 'deadline'].includes(reply.body?.code)) return reply;
    await new Promise((again) => setTimeout(again, 100 + 200 * Math.random()));
  }
}

/** Asks until the answer is as wanted; gives how many milliseconds after `from` the last other one
 * was asked for. How long it took does not count: it may be right for when it was asked for. */
export async function staleFor(from, ask, wanted) {
  let asked;
  let last = 0;
  do {
    asked = performance.now() - from;
    if (asked > 60_000) throw new Error(`still not so after 60 s: ${wanted}`);
  } while (!wanted(await ask()) && ((last = asked), true));
  return last;
}

/** Runs `n` of them at the same time: race(64, (i) => api.as(them[i]).post(…)). */
export function race(n, run) {
  return Promise.all(Array.from({ length: n }, (_, i) => run(i)));
}
