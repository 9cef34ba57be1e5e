// The demo community's books, as `make run` loads it.
import { expect, story } from './lib/story.mjs';

export const server = { template: 'demo' };

story('The demo’s books add up', async ({ lyceum }) => {
  const { code, json } = await lyceum('doctor --books --json').done;
  expect(json.checks.filter(({ finding }) => finding === 'bad')).is([]);
  expect(json.checks.some(({ community }) => community === 'kaiyou')).is(true);
  expect(code).is(0);
});
