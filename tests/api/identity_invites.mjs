// Signing up with an invite code: all or nothing.
import { CONSENTS, proof } from './lib/visitor.mjs';
import { Shop } from './lib/shop.mjs';
import { expect, patiently, race, story } from './lib/story.mjs';

async function open(context) {
  const { api, community, people, random, sql } = context;
  const operator = await people.operator();
  const shop = new Shop(api, operator);
  /** A visitor with a proven contact: `join(code)` signs up with it. */
  const visitor = async (contact = `v-${random()}@example.org`) => {
    const mine = await proof(context, contact);
    const join = (invite_code, more) =>
      api.post(`${community.path}/members`, {
        ...mine,
        display_name: 'Visitor',
        invite_code,
        ...CONSENTS,
        ...more,
      });
    const traces = async () => {
      const [row] = await sql`
        SELECT (SELECT count(*)::int FROM identity WHERE subject = ${contact}) AS identities,
               (SELECT count(*)::int FROM challenge WHERE subject = ${contact}
                AND used_at IS NOT NULL) AS used`;
      return row;
    };
    return { contact, join, traces };
  };
  return { api, operator, shop, sql, visitor, random, community, people };
}

const soon = (days) => new Date(Date.now() + days * 86_400_000).toISOString();

story('A code signs a newcomer up as a paying member', async (context) => {
  const { api, shop, visitor } = await open(context);
  const code = await shop.code({ max_uses: 2 });
  const { join } = await visitor();
  const typed = ` ${code.code.toLowerCase()} `;
  const reply = await join(typed);
  expect(reply)
    .status(201)
    .body({ redemption: { code_hint: code.hint, membership: 'active' } });
  const own = await api.as(reply.body.access_token).get('/v1/me/redemptions');
  expect(own).status(200).body({ data: [{ id: reply.body.redemption.id }] });
  expect(await shop.proof(code)).matches({ used: 1, live_redemptions: 1, balanced: true });
});

story('When the code does not hold, nothing has happened', async (context) => {
  const { api, operator, shop, visitor } = await open(context);
  const plan = await shop.plan();
  const one = await visitor();
  const cases = [];
  const late = await shop.code({ plan, valid_from: soon(1) });
  cases.push([late.code, 'code_not_yet', 409]);
  const revoked = await shop.code({ plan });
  expect(await api.as(operator).patch(`/v1/codes/${revoked.id}`, { revoked: true })).status(200);
  cases.push([revoked.code, 'code_revoked', 409]);
  const discount = await shop.code({ plan, effect: 'discount', percent: 10 });
  cases.push([discount.code, 'code_needs_order', 409]);
  for (const [code, problem, status] of cases) {
    expect(await one.join(code)).problem(problem, status);
    expect(await one.traces()).is({ identities: 0, used: 0 });
  }
  // The fifth and last try of the same code of the mail.
  expect(await one.join(undefined)).status(201);
  expect(await one.traces()).is({ identities: 1, used: 1 });
});

story('Slips, unknown and chosen codes are told as elsewhere', async (context) => {
  const { shop, visitor } = await open(context);
  const { code } = await shop.code();
  const swap = (c) => (c === '7' ? '8' : '7');
  const slip = code.replace(/^./, swap);
  const one = await visitor();
  expect(await one.join(slip)).problem('code_malformed', 422); // costs no try: never looked at
  expect(await one.join('no such code')).problem('code_refused', 404);
  const chosen = await shop.code({ code: `SPRING${Date.now() % 100000}`, max_uses: 1 });
  expect(await one.join(chosen.code)).status(201);
  const two = await visitor();
  expect(await two.join(chosen.code)).problem('code_refused', 404); // sold out, but only guessed
  expect(await two.traces()).is({ identities: 0, used: 0 });
});

story('A code reserved for a contact signs up that contact alone', async (context) => {
  const { shop, visitor, random } = await open(context);
  const contact = `friend-${random()}@example.org`;
  const code = await shop.code({ reserved_for: contact });
  const [friend, other] = [await visitor(contact), await visitor()];
  expect(await other.join(code.code)).problem('code_reserved', 409);
  expect(await friend.join(code.code)).status(201);
});

story('Sixteen newcomers race for the five seats of a code', async (context) => {
  const { shop, visitor, sql } = await open(context);
  const code = await shop.code({ max_uses: 5 });
  const visitors = [];
  for (let i = 0; i < 16; i++) visitors.push(await visitor());
  const all = await race(16, (i) => patiently(() => visitors[i].join(code.code)));
  expect(all.filter(({ status }) => status === 201).length).is(5);
  for (const one of all.filter(({ status }) => status !== 201)) {
    expect(one).problem('code_sold_out', 409);
  }
  const made = await Promise.all(visitors.map(({ traces }) => traces()));
  expect(made.filter(({ identities }) => identities === 1).length).is(5);
  expect(await shop.proof(code)).matches({ used: 5, live_redemptions: 5, balanced: true });
  const [{ people }] = await sql`
    SELECT count(*)::int AS people FROM member
    WHERE display_name = 'Visitor' AND community_id = ${context.community.id}`;
  expect(people).is(5);
});

story('An expired code, and one that adds nothing any more', async (context) => {
  const { shop, visitor, sql } = await open(context);
  const code = await shop.code();
  await sql`UPDATE invite_code SET valid_from = now() - interval '2 days',
              valid_until = now() - interval '1 day' WHERE id = ${code.id}`;
  const one = await visitor();
  expect(await one.join(code.code)).problem('code_expired', 409);
  const endless = await shop.code();
  await sql`UPDATE invite_code SET days = 36600 WHERE id = ${endless.id}`;
  expect((await one.join(endless.code)).status).is(201);
});

story('Who comes back finds what a code can not give twice', async (context) => {
  const { shop, visitor, sql, random } = await open(context);
  const contact = `back-${random()}@example.org`;
  const plan = await shop.plan();
  const spring = await shop.campaign({ once_per_member: true });
  const inSpring = () => shop.code({ plan, campaign_id: spring.id });
  const trial = () => shop.code({ plan, effect: 'trial', days: 7 });
  const leave = () => sql`UPDATE member SET left_at = now() WHERE display_name = 'Visitor'`;
  const again = async () => {
    await leave();
    await sql`DELETE FROM contact_budget`;
    await sql`DELETE FROM mailbox`;
    return visitor(contact);
  };
  const first = await (await visitor(contact)).join((await trial()).code);
  expect(first).status(201).body({ redemption: { membership: 'trialing' } });
  const back = await again();
  expect(await back.join((await trial()).code)).problem('nothing_to_add', 409);
  expect(await back.join((await inSpring()).code)).status(201);
  expect(await (await again()).join((await inSpring()).code)).problem('campaign_used', 409);
});
