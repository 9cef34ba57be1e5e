// How much a member may spend in a month: set by themselves, raised by operators, kept by the
// database however many orders are made at once.
import { expect, patiently, race, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { Till, notAtMonthsEnd } from './lib/till.mjs';

export const server = { env: { LYCEUM_PACE_SCALE: '1000' } };

const mine = '/v1/me/spend-limit';

async function open(stage) {
  const operator = await stage.people.operator();
  const ann = await stage.people.member({ name: 'Ann' });
  const plan = await new Shop(stage.api, operator).plan({ price_minor: 1000 });
  return {
    ...stage,
    operator,
    ann,
    plan,
    me: stage.api.as(ann),
    console: stage.api.as(operator),
    till: new Till(stage, ann),
    theirs: `/v1/members/${ann.id}/spend-limit`,
  };
}

story('Members set and lower their limit; operators raise it, and say why', async (stage) => {
  const { api, people, me, console, theirs, operator } = await open(stage);
  const none = await me.get(mine);
  expect(none).status(200).body({ limit_minor: null, spent: [], resets_at: /-01T00:00:00/ });
  expect(await me.patch(mine, {})).fault('/limit_minor', 'required');
  expect(await me.patch(mine, { limit_minor: -1 })).fault('/limit_minor', 'out_of_range');
  expect(await me.patch(mine, { limit_minor: '5' })).fault('/limit_minor', 'type');
  expect(await me.patch(mine, { limit_minor: null })).status(200).body({ limit_minor: null });
  expect(await me.patch(mine, { limit_minor: 5000 })).status(200).body({ limit_minor: 5000 });
  expect(await me.patch(mine, { limit_minor: 4000 })).status(200).body({ limit_minor: 4000 });
  for (const limit_minor of [4001, null]) {
    expect(await me.patch(mine, { limit_minor })).problem('not_allowed', 403);
  }
  const stale = { headers: { 'If-Match': none.header('ETag') } };
  expect(await me.patch(mine, { limit_minor: 1 }, stale)).problem('version_changed', 412);
  const tag = { headers: { 'If-Match': (await me.get(mine)).header('ETag') } };
  expect(await me.patch(mine, { limit_minor: 3000 }, tag)).status(200);
  expect(await me.get(theirs)).problem('not_allowed', 403);
  expect(await console.get(theirs)).status(200).body({ limit_minor: 3000 });
  expect(await console.patch(theirs, { limit_minor: 9000 })).fault('/reason', 'required');
  const raise = { limit_minor: 9000, reason: 'She asked by phone' };
  expect(await console.patch(theirs, raise)).status(200).body({ limit_minor: 9000 });
  expect(await console.patch(theirs, { limit_minor: null, reason: 'No limit' }))
    .status(200)
    .body({ limit_minor: null });
  const old = await console.get(theirs);
  expect(await console.patch(theirs, raise)).status(200);
  const late = { headers: { 'If-Match': old.header('ETag') } };
  expect(await console.patch(theirs, raise, late)).problem('version_changed', 412);
  expect(await console.patch(`/v1/members/${uuid7()}/spend-limit`, raise)).problem('not_found');
  const owner = await people.owner();
  const high = `/v1/members/${owner.id}/spend-limit`;
  expect(await console.patch(high, raise)).problem('not_allowed', 403);
  expect(await api.as(owner).patch(high, raise)).status(200);
  const eve = api.as(await people.in(await stage.another()).operator());
  expect(await eve.get(theirs)).problem('not_found', 404);
  expect(await eve.patch(theirs, raise)).problem('not_found', 404);
  const audit = await console.get('/v1/audit-log', { query: { action: 'spend_limit.change' } });
  expect(audit.body.data.length).is(7);
  expect(audit.body.data[3]).matches({
    actor_id: operator.id,
    before: { limit_minor: 3000 },
    after: { limit_minor: 9000 },
    reason: raise.reason,
  });
});

story('Of 64 orders at once none goes beyond the limit; a refund makes room', async (stage) => {
  await notAtMonthsEnd();
  const { sql, me, plan, till, ann } = await open(stage);
  expect(await me.patch(mine, { limit_minor: 10_500 })).status(200);
  const quotes = await race(64, () => patiently(() => till.quote({ plan_id: plan.id })));
  const replies = await race(64, (i) =>
    patiently(() => me.post('/v1/orders', { quote_id: quotes[i].id })),
  );
  const made = replies.filter(({ status }) => status === 201);
  for (const reply of replies) {
    if (reply.status !== 201) expect(reply).problem('spend_limit', 409);
  }
  expect(made.length).is(10);
  expect(await me.get(mine)).body({ spent: [{ currency: 'CNY', spent_minor: 10_000 }] });
  const [{ owed }] = await sql`
    SELECT sum(total_minor)::int AS owed FROM orders WHERE member_id = ${ann.id}`;
  expect(owed).is(10_000);
  const paid = await till.pay(made[0].body);
  const again = async () => {
    const { id } = (await till.quote({ plan_id: plan.id })).body;
    return me.post('/v1/orders', { quote_id: id });
  };
  expect(await again()).problem('spend_limit', 409);
  const [payment] = await sql`SELECT id FROM payment WHERE order_id = ${paid.id}`;
  await sql`
    SELECT refund_record(${stage.community.id}, ${uuid7()}, ${payment.id}, 'b', 1000, 'Unhappy',
                         ${ann.id}, now(), false, NULL)`;
  expect(await again()).status(201);
  expect(await again()).problem('spend_limit', 409);
});
