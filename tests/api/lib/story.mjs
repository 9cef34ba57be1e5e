// What a story file imports.
export { expect } from './expect.mjs';
export { raw } from './client.mjs';
export { uuid7, PASSWORD } from './people.mjs';
export { figure } from './promises.mjs';
export { eventually, makeCertificate, startMailServer, startPeer } from './peers.mjs';

export const stories = [];

/** One story: a sentence, and how it goes. A file's stories run in order, on one server and one
 * database, each in a community of its own. It may take so many milliseconds. */
export function story(title, tell, ms = 120_000) {
  stories.push({ title, tell, ms });
}

/** Runs `n` of them at the same time: race(64, (i) => api.as(them[i]).post(…)). */
export function race(n, run) {
  return Promise.all(Array.from({ length: n }, (_, i) => run(i)));
}
