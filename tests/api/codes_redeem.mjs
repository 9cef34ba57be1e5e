// Redeeming invite codes: each answer there is, and what races may not break.
import { expect, figure, patiently, race, story } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';

const DAY = 86_400_000;
const soon = (days) => new Date(Date.now() + days * DAY).toISOString();
const daysOf = (span) => (Date.parse(span.ends_at) - Date.parse(span.starts_at)) / DAY;

async function open({ api, people }) {
  const operator = await people.operator();
  const shop = new Shop(api, operator);
  const ann = await people.member({ name: 'Ann' });
  const redeem = (who, code) => api.as(who).post('/v1/redemptions', { code: code.code ?? code });
  return { api, people, operator, shop, ann, redeem };
}

story('A code makes a member; asking again gives the first answer', async (stage) => {
  const { api, shop, ann, redeem } = await open(stage);
  const code = await shop.code();
  const first = await redeem(ann, code);
  expect(first)
    .status(201)
    .body({
      code_hint: code.hint,
      product_name: { en: 'Membership', 'zh-CN': '会员' },
      plan_name: { en: 'A year' },
      membership: 'active',
    });
  expect(daysOf(first.body)).is(30);
  expect(first).header('Location', `/v1/redemptions/${first.id}`);
  const again = await redeem(ann, code);
  expect(again).status(200).body(first.body);
  expect(await api.as(ann).get(first.header('Location')))
    .status(200)
    .body({ id: first.id, status: 'active', starts_at: first.body.starts_at });
  expect(await shop.proof(code)).matches({ used: 1, live_redemptions: 1, balanced: true });
});

story('A code is read forgivingly, and a slip is told without the database', async (stage) => {
  const { shop, ann, redeem } = await open(stage);
  const { code } = await shop.code({ max_uses: 5 });
  const swapped = code.replace(/^(.)(.)/, (_, a, b) =>
    a === b ? `${a}${a === '7' ? '8' : '7'}` : b + a,
  );
  expect(await redeem(ann, swapped)).problem('code_malformed', 422);
  expect(await redeem(ann, 'not!a!code')).problem('code_malformed', 422);
  const spoken = code.toLowerCase().replaceAll('-', ' ');
  const typed = ` ${spoken.replaceAll('0', 'o').replaceAll('1', 'l')}`;
  expect(await redeem(ann, typed)).status(201);
  expect(await redeem(ann, code.replaceAll('-', '－'))).status(200);
});

story('Who holds a machine-made code learns the true reason', async (stage) => {
  const { api, operator, shop, ann, redeem, people } = await open(stage);
  const plan = await shop.plan();
  const late = await shop.code({ plan, valid_from: soon(1) });
  expect(await redeem(ann, late)).problem('code_not_yet', 409);
  const sold = await shop.code({ plan });
  expect(await redeem(await people.member(), sold)).status(201);
  expect(await redeem(ann, sold)).problem('code_sold_out', 409);
  const revoked = await shop.code({ plan });
  expect(await api.as(operator).patch(`/v1/codes/${revoked.id}`, { revoked: true })).status(200);
  expect(await redeem(ann, revoked)).problem('code_revoked', 409);
  const discount = await shop.code({ plan, effect: 'discount', percent: 10 });
  expect(await redeem(ann, discount)).problem('code_needs_order', 409);
  const old = await shop.code({ plan });
  await stage.sql`
    UPDATE invite_code SET valid_until = now() - interval '1 second' WHERE id = ${old.id}`;
  expect(await redeem(ann, old)).problem('code_expired', 409);
  expect(await shop.proof(sold)).matches({ used: 1, balanced: true });
});

story('Chosen codes that do not work and unknown ones answer alike', async (stage) => {
  const { api, operator, shop, ann, redeem, people } = await open(stage);
  const plan = await shop.plan();
  const good = await shop.code({ plan, code: 'WELCOME2026', max_uses: 2 });
  const sold = await shop.code({ plan, code: 'early-bird', max_uses: 1 });
  await shop.code({ plan, code: 'later', valid_from: soon(1) });
  await shop.code({ plan, code: 'for-bob', reserved_for: 'bob@example.org' });
  const gone = await shop.code({ plan, code: 'gone-again' });
  await api.as(operator).patch(`/v1/codes/${gone.id}`, { revoked: true });
  expect(await redeem(await people.member(), sold)).status(201);
  const alike = (reply) => {
    const { request_id, ...rest } = reply.body;
    return JSON.stringify([reply.status, rest]);
  };
  const unknown = await redeem(ann, 'NEVER-WAS');
  expect(unknown).problem('code_refused', 404);
  for (const text of ['early-bird', 'later', 'for-bob', 'gone-again']) {
    expect(alike(await redeem(ann, text))).is(alike(unknown), text);
  }
  expect(await redeem(operator, 'early-bird')).problem('code_sold_out', 409);
  expect(await redeem(ann, 'we1come 2o26'))
    .status(201)
    .body({ code_hint: good.hint });
});

story('A reserved code is for who proved that contact', async (stage) => {
  const { shop, people, ann, redeem } = await open(stage);
  const bob = await people.member({ email: 'bob@example.org' });
  const code = await shop.code({ reserved_for: 'Bob@Example.org' });
  expect(code).matches({ reserved_for: /^[Bb]ob@example\.org$/, max_uses: 1 });
  const lower = await shop.code({ reserved_for: 'bob@example.org' });
  expect(await redeem(ann, lower)).problem('code_reserved', 409);
  expect(await redeem(bob, lower)).status(201);
  expect(await redeem(bob, lower)).status(200);
});

story(
  'Codes append: renewing early loses no day, and nothing is added to for ever',
  async (stage) => {
    const { api, shop, ann, redeem, people } = await open(stage);
    const plan = await shop.plan();
    const first = await redeem(ann, await shop.code({ plan, days: 30 }));
    const second = await redeem(ann, await shop.code({ plan, days: 365 }));
    expect(second).status(201).body({ starts_at: first.body.ends_at, membership: 'active' });
    expect(daysOf(second.body)).is(365);
    expect(await api.as(ann).get('/v1/me/membership'))
      .status(200)
      .body({ active: true, status: 'active', until: second.body.ends_at });
    expect((await api.as(ann).get('/v1/me/membership')).body.memberships[0].spans.length).is(2);
    const bob = await people.member();
    expect(await redeem(bob, await shop.code({ plan, days: 36600 }))).status(201);
    expect(await redeem(bob, await shop.code({ plan, days: 36600 }))).status(201);
    const more = await shop.code({ plan, days: 36600 });
    expect(await redeem(bob, more)).problem('nothing_to_add', 409);
    expect(await shop.proof(more)).matches({ used: 0, balanced: true });
  },
);

story('A trial is for who has nothing yet, once', async (stage) => {
  const { shop, ann, redeem, people } = await open(stage);
  const plan = await shop.plan();
  const trial = await shop.code({ plan, effect: 'trial', days: 7, max_uses: 10 });
  expect(await redeem(ann, trial))
    .status(201)
    .body({ membership: 'trialing' });
  const other = await shop.code({ plan, effect: 'trial', days: 7, max_uses: 10 });
  expect(await redeem(ann, other)).problem('nothing_to_add', 409);
  const bob = await people.member();
  expect(await redeem(bob, await shop.code({ plan }))).status(201);
  expect(await redeem(bob, trial)).problem('nothing_to_add', 409);
});

story("A campaign's window and its one-a-member rule hold for all its codes", async (stage) => {
  const { api, operator, shop, ann, redeem, people } = await open(stage);
  const plan = await shop.plan();
  const campaign = await shop.campaign({ once_per_member: true, quota: 3 });
  const a = await shop.code({ plan, campaign_id: campaign.id, max_uses: 9 });
  const b = await shop.code({ plan, campaign_id: campaign.id, max_uses: 9 });
  expect(await redeem(ann, a)).status(201);
  expect(await redeem(ann, b)).problem('campaign_used', 409);
  expect(await redeem(ann, a)).status(200);
  const path = `/v1/campaigns/${campaign.id}`;
  const bob = await people.member();
  expect(await api.as(operator).patch(path, { ended: true })).status(200);
  expect(await redeem(bob, b)).problem('code_expired', 409);
  expect(await api.as(operator).patch(path, { ended: false, valid_from: soon(1) })).status(200);
  expect(await redeem(bob, b)).problem('code_not_yet', 409);
  expect(await api.as(operator).patch(path, { valid_from: null })).status(200);
  expect(await redeem(bob, b)).status(201);
});

story('Sixty-four race for a code of 1, 5 and 63 uses: exactly that many get it', async (stage) => {
  const { shop, people, redeem } = await open(stage);
  const plan = await shop.plan();
  const racers = await people.members(64);
  let failed = 0;
  for (const uses of [1, 5, 63]) {
    const code = await shop.code({ plan, max_uses: uses });
    const replies = await race(64, (i) => redeem(racers[i], code));
    const got = replies.filter((r) => r.status === 201).length;
    const sold = replies.filter((r) => r.body.code === 'code_sold_out').length;
    failed += replies.filter((r) => r.status >= 500).length;
    figure(`oversold_${uses}`, got);
    expect([got, sold]).is([uses, 64 - uses]);
    expect(await shop.proof(code)).matches({ used: uses, entitlements: uses, balanced: true });
  }
  figure('oversold_5xx', failed);
});

story(
  'One member on sixty-four devices redeems once; sixty-four codes all count',
  async (stage) => {
    const { shop, ann, redeem, people } = await open(stage);
    const plan = await shop.plan();
    const code = await shop.code({ plan, max_uses: 100 });
    const same = await race(64, () => patiently(() => redeem(ann, code)));
    expect(same.filter((r) => r.status === 201).length).is(1);
    const others = same.filter((r) => r.status !== 201 && r.status !== 200);
    expect(others.map(({ status, body }) => `${status} ${body.code}`)).is([]);
    expect(new Set(same.map((r) => r.id)).size).is(1);
    const bob = await people.member();
    const codes = [];
    for (let i = 0; i < 64; i++) codes.push(await shop.code({ plan, days: 10 }));
    const all = await race(64, (i) => patiently(() => redeem(bob, codes[i])));
    expect(all.map((r) => r.status)).is(Array(64).fill(201));
    const spans = all.map((r) => [r.body.starts_at, r.body.ends_at]).sort();
    for (let i = 1; i < spans.length; i++) expect(spans[i][0]).is(spans[i - 1][1]);
    expect(Math.round((Date.parse(spans.at(-1)[1]) - Date.parse(spans[0][0])) / DAY)).is(640);
  },
);

story("Another community's code is unknown here", async (stage) => {
  const { api, people } = stage;
  const { shop } = await open(stage);
  const code = await shop.code();
  const there = await stage.another();
  const eve = await people.in(there).member();
  expect(await api.as(eve).post('/v1/redemptions', { code: code.code })).problem(
    'code_refused',
    404,
  );
  expect(await api.post('/v1/redemptions', { code: code.code })).problem('not_signed_in', 401);
});

story('What one redeemed is listed, the newest first', async (stage) => {
  const { api, shop, ann, redeem } = await open(stage);
  const plan = await shop.plan();
  const ids = [];
  for (let i = 0; i < 3; i++) ids.unshift((await redeem(ann, await shop.code({ plan }))).id);
  const first = await api.as(ann).get('/v1/me/redemptions', { query: { limit: 2 } });
  expect(first).status(200).body({ has_more: true });
  const next = await api.as(ann).get('/v1/me/redemptions', {
    query: { limit: 2, cursor: first.body.next_cursor },
  });
  expect([...first.body.data, ...next.body.data].map((r) => r.id)).is(ids);
  const bob = await stage.people.member();
  expect(await api.as(bob).get(`/v1/redemptions/${ids[0]}`)).problem('not_found', 404);
});
