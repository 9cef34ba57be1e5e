// One hall is one address: a crowd behind it signs up, redeems and checks in, and nobody is slowed
// down. CROWD=1000 for the whole hall.
import { CONSENTS } from './lib/visitor.mjs';
import { School } from './lib/school.mjs';
import { Shop } from './lib/shop.mjs';
import { expect, PATIENCE, story } from './lib/story.mjs';

const CROWD = Number(process.env.CROWD ?? 300);
const AT_ONCE = 32;

/** Runs work(0…count-1), so many at a time. */
async function each(count, work) {
  let next = 0;
  const one = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

story(`${CROWD} people behind one address get in within a minute`, async (context) => {
  const { api, community, people, sql, random } = context;
  const operator = await people.operator();
  const code = await new Shop(api, operator).code({ max_uses: CROWD });
  const lecture = await new School(context).lecture(-1);
  const shown = async () =>
    (await api.as(operator).get(`/v1/lectures/${lecture}/check-in-code`)).body.code;
  let wall = await shown(); // what the hall shows, as all see it
  const clock = setInterval(() => {
    shown().then((code) => (wall = code ?? wall), () => {});
  }, 3000);
  const from = performance.now();
  const seen = { 429: 0 };
  const count = (reply, wanted) => {
    if (reply.status === 429) seen[429]++;
    else expect(reply).status(wanted);
    return reply;
  };
  await each(CROWD, async (i) => {
    const contact = `p${i}-${random()}@example.org`;
    const sent = count(
      await api.post(`${community.path}/challenges`, { contact, purpose: 'sign_up' }),
      202,
    );
    const digits = await codeFor(sql, contact);
    const up = count(
      await api.post(`${community.path}/members`, {
        challenge: sent.id,
        code: digits,
        display_name: `Person ${i}`,
        ...CONSENTS,
      }),
      201,
    );
    const person = api.as(up.body.access_token);
    count(await person.post('/v1/redemptions', { code: code.code }), 201);
    count(
      await person.post(`/v1/lectures/${lecture}/check-ins`, {
        code: wall,
        device_id: `device-${i}`,
      }),
      201,
    );
  });
  clearInterval(clock);
  const seconds = (performance.now() - from) / 1000;
  console.log(`      ${CROWD} people in ${seconds.toFixed(1)} s`);
  expect(seen[429]).is(0);
  expect(seconds).atMost(60 * PATIENCE);
  const [{ came }] = await sql`
    SELECT count(*) AS came FROM attendance WHERE lecture_id = ${lecture}`;
  expect(came).is(CROWD);
});

async function codeFor(sql, contact) {
  for (let i = 0; i < 2400; i++) {
    const [row] = await sql`SELECT body FROM mailbox WHERE recipient = ${contact}`;
    if (row) return /\d{6}/.exec(row.body)[0];
    await new Promise((again) => setTimeout(again, 25));
  }
  throw new Error(`no message for ${contact}`);
}
