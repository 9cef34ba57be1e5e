// What is known and what is not can't be told apart by who guesses: not by the answer, and not by
// the time it takes.
import { Shop } from './lib/shop.mjs';
import { School } from './lib/school.mjs';
import { expect, figure, PASSWORD, story } from './lib/story.mjs';

export const server = { env: { LYCEUM_PACE_SCALE: '100000', LYCEUM_MESSAGE_DAILY_CAP: '100000' } };

const TIMINGS = 200;
const ROUNDS = 12;
const STRONG = 'hashed as the server does it';

/** All that a guesser sees of an answer, but for its own name and the clock. */
function face({ status, headers, body }) {
  const { request_id, id, instance, expires_at, ...rest } = body;
  const { date, 'x-request-id': name, ratelimit, ...seen } = headers;
  return { status, rest, seen, ids: [typeof id, typeof request_id, typeof instance, typeof name] };
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const timed = async (ask) => {
  const from = process.hrtime.bigint();
  const reply = await ask();
  return [Number(process.hrtime.bigint() - from) / 1e6, reply];
};

/** Asks both `TIMINGS` times in turn, and keeps in `times` how many milliseconds each took. */
async function measure(times, left, right) {
  let shown;
  for (let i = 0; i < TIMINGS; i++) {
    for (const side of i % 2 ? [0, 1] : [1, 0]) {
      const [ms, reply] = await timed(() => (side ? right : left)(i));
      times[side].push(ms);
      shown ??= face(reply);
      expect(face(reply)).is(shown);
    }
  }
}

/** Within 5% and a tenth of a millisecond. A busy machine may need more than one round for it, so
 * the medians are those of all rounds together: noise fades in them, what takes longer remains. */
async function alike(what, prepare) {
  const times = [[], []];
  const seen = [];
  let percent;
  for (let round = 0; round < ROUNDS; round++) {
    await measure(times, ...(await prepare()));
    const [known, unknown] = times.map(median);
    seen.push(`${known.toFixed(2)} ms known, ${unknown.toFixed(2)} ms unknown`);
    const beyond = Math.max(0, Math.abs(known - unknown) - 0.1);
    percent = (100 * beyond) / Math.max(known, unknown);
    if (percent <= 5) break;
  }
  console.log(`      ${what}: ${seen.join('; ')}`);
  figure('guesses', percent, what);
}

const many = (make) => Array.from({ length: TIMINGS }, (_, i) => make(i));

story('Passwords: a login that is known, and one that is not', async (stage) => {
  const { api, community, people, random } = stage;
  const ann = await people.member();
  const put = { current_password: PASSWORD, new_password: STRONG };
  expect(await api.as(ann).put('/v1/me/password', put)).status(204);
  const guess = (login) =>
    api.post(`${community.path}/sessions`, { login, password: 'not the password' });
  await alike('passwords', () => [
    () => guess(ann.email),
    () => guess(`member-${random()}@example.org`),
  ]);
});

for (const purpose of ['sign_in', 'reset', 'sign_up']) {
  story(`Codes to ${purpose}: a contact that is known, and one that is not`, async (stage) => {
    const { api, community, people, random } = stage;
    const ask = (contact) => api.post(`${community.path}/challenges`, { contact, purpose });
    await alike(`a code to ${purpose}`, async () => {
      const known = await people.members(TIMINGS, { signIn: false });
      const strangers = many(() => `member-${random()}@example.org`);
      return [(i) => ask(known[i].email), (i) => ask(strangers[i])];
    });
  });
}

story('Wrong digits for a contact that is known, and for one that is not', async (stage) => {
  const { api, community, people, random } = stage;
  const challenge = async (contact) => {
    const body = { contact, purpose: 'sign_in' };
    return (await api.post(`${community.path}/challenges`, body)).id;
  };
  const guess = (id) =>
    api.post(`${community.path}/sessions`, { challenge: id, code: 'abcdef' });
  await alike('digits', async () => {
    const known = await people.members(TIMINGS, { signIn: false });
    const ids = [[], []];
    for (const { email } of known) {
      ids[0].push(await challenge(email));
      ids[1].push(await challenge(`member-${random()}@example.org`));
    }
    return [(i) => guess(ids[0][i]), (i) => guess(ids[1][i])];
  });
});

story('A discount code that is withdrawn, and one that never was', async (stage) => {
  const { api, people, random } = stage;
  const operator = await people.operator();
  const shop = new Shop(api, operator);
  const plan = await shop.plan();
  const chosen = `WITHDRAWN-${random()}`;
  const made = await shop.code({ plan, effect: 'discount', percent: 10, code: chosen });
  await api.as(operator).patch(`/v1/codes/${made.id}`, { revoked: true });
  const member = api.as(await new School(stage).person());
  const guess = (code) => member.post('/v1/quotes', { kind: 'purchase', plan_id: plan.id, code });
  const nowhere = many(() => `WITHDRAWN-${random()}`);
  await alike('discount codes', () => [() => guess(chosen), (i) => guess(nowhere[i])]);
});

story('An invite code that exists elsewhere, and one that does not', async (stage) => {
  const { api, people, another, random } = stage;
  const shop = new Shop(api, await people.in(await another()).owner());
  const { code } = await shop.code({ code: `ELSEWHERE-${random()}`, max_uses: 1000 });
  const member = api.as(await new School(stage).person());
  const guess = (text) => member.post('/v1/redemptions', { code: text });
  const nowhere = many(() => `ELSEWHERE-${random()}`);
  await alike('invite codes', () => [() => guess(code), (i) => guess(nowhere[i])]);
});
