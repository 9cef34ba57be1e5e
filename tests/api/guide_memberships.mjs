// docs/MEMBERSHIPS.md, followed line by line: its calls are made in order, by who it says.
import { readFileSync } from 'node:fs';
import { expect, story } from './lib/story.mjs';
import { School } from './lib/school.mjs';
import { receive } from './lib/till.mjs';

const page = readFileSync(new URL('../../docs/MEMBERSHIPS.md', import.meta.url), 'utf8');
const CALL = /^(GET|POST|PUT|PATCH|DELETE) (\S+) +# (\w+)(?:, (\w+) = (\S+))?\n?([^]*)$/;

/** Steps of all ```http blocks: each stands between empty lines. */
const steps = [...page.matchAll(/```http\n([^]*?)```/g)]
  .flatMap(([, block]) => block.trim().split(/\n\n+/))
  .map((text) => text.trim());

story('The guide to memberships does what it says', async (stage) => {
  const { api, people, sql, community } = stage;
  const who = {
    operator: await people.operator(),
    Ann: await people.member({ name: 'Ann' }),
    Bob: await people.member({ name: 'Bob' }),
  };
  const { lecturer } = await people.lecturer();
  const lecture = await new School(stage).lecture(600);
  const kept = { COMMUNITY: community.slug, BOB: who.Bob.id, LECTURER: lecturer, LECTURE: lecture };
  const fill = (text) => text.replace(/\b[A-Z]{3,}\b/g, (name) => kept[name] ?? name);
  for (const step of steps) {
    const paid = /^\((\w+) is paid\)$/.exec(step);
    if (paid) {
      const order = (await api.as(who.Ann).get(`/v1/orders/${kept[paid[1]]}`)).body;
      expect(await receive(sql, community, order)).matches({ settled: true });
      continue;
    }
    const [, method, path, caller, name, where, body] = CALL.exec(step);
    const [target, query] = path.split('?');
    const reply = await api
      .as(who[caller])
      .send(method, fill(target), body ? JSON.parse(fill(body)) : undefined, { query });
    if (reply.status >= 300) throw new Error(`${step}\n${reply.text}`);
    if (name) kept[name] = where.split('.').reduce((at, key) => at[key], reply.body);
  }
  expect(steps.length).atLeast(25);
  expect(await api.as(who.Bob).get('/v1/me/membership')).body({ active: true });
});
