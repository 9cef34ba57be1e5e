// Renewals that a provider drives: it charges by itself, and tells of it. The provider of these
// stories speaks as the built-in one does, with names of its own.
import { eventually, expect, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';
import { booksAddUp, eventOf, openTill, openOrder, teller, tryToPay } from './lib/orders.mjs';

const PRICE = 3000;

async function open(stage) {
  const { api, people, sql, community } = stage;
  const owner = await openTill(stage);
  const plan = await new Shop(api, owner).plan({
    price_minor: PRICE,
    period_unit: 'day',
    period_count: 30,
    renews: true,
  });
  const ann = await people.member({ name: 'Ann' });
  const tell = teller(api);
  const subscription = `s-${uuid7()}`;
  const first = await tryToPay(api, ann, await openOrder(stage, ann, plan));
  const charge = (amount_minor = PRICE) => ({
    charge: `c-${uuid7()}`,
    amount_minor,
    currency: 'CNY',
  });
  const send = async (event) => expect(await tell(community, event)).status(204);
  const told = (type, of = charge(), more) => send({ ...eventOf(type, of), subscription, ...more });
  const begin = () => send({ ...eventOf('paid', first), subscription });
  const membership = async () =>
    (
      await sql`
        SELECT id, auto_renew, renewal_provider, renewal_ref FROM membership
        WHERE member_id = ${ann.id}`
    )[0];
  const periods = async () =>
    (
      await sql`
        SELECT count(*)::int AS n FROM entitlement
        WHERE member_id = ${ann.id} AND voided_at IS NULL`
    )[0].n;
  const me = api.as(ann);
  return { ...stage, owner, ann, me, plan, subscription, charge, told, begin, membership, periods };
}

const stops = ({ sql, community }) => sql`
  SELECT subscription, done_at IS NOT NULL AS done FROM renewal_stop
  WHERE community_id = ${community.id}`;

story(
  'A provider renews: each charge is one more period, told in any order, once',
  async (stage) => {
    const world = await open(stage);
    const { subscription, charge, told, begin, membership, periods } = world;
    const [second, third] = [charge(), charge()];
    // The second period is told of before the first was.
    await told('renewed', second);
    expect(await periods()).is(0);
    await begin();
    expect(await membership()).matches({ renewal_provider: 'test', renewal_ref: subscription });
    expect(await periods()).is(2);
    await Promise.all([told('renewed', second), told('renewed', third), told('renewed', third)]);
    await begin();
    expect(await periods()).is(3);
    const rows = await booksAddUp(stage);
    expect(rows.map(({ status, money }) => [status, money])).is(Array(3).fill(['paid', PRICE]));
    const [{ topics }] = await stage.sql`
    SELECT count(*)::int AS topics FROM outbox
    WHERE community_id = ${stage.community.id} AND topic = 'order.paid'`;
    expect(topics).is(3);
  },
);

story('A charge that fails leaves an order that can be paid any way', async (stage) => {
  const world = await open(stage);
  const { me, told, begin, periods } = world;
  await begin();
  await told('renewal_failed', {});
  await told('renewal_failed', {});
  const { body } = await me.get('/v1/me/orders?status=pending&kind=renewal');
  expect(body.data.map(({ total_minor }) => total_minor)).is([PRICE]);
  const reminded = await stage.sql`
    SELECT FROM outbox WHERE community_id = ${stage.community.id} AND topic = 'renewal.reminded'`;
  expect(reminded.length).is(2);
  await told('renewed'); // the provider tried again
  expect(await periods()).is(2);
  expect(await me.get(`/v1/orders/${body.data[0].id}`)).body({ status: 'paid' });
  await booksAddUp(stage);
});

story(
  'Who gives notice is charged no more; what is charged nevertheless goes back',
  async (stage) => {
    const world = await open(stage);
    const { me, subscription, told, begin, membership, periods } = world;
    await begin();
    const { id } = await membership();
    expect(await me.post(`/v1/me/memberships/${id}/cancel`, {})).status(200);
    expect(await membership()).matches({ auto_renew: false, renewal_ref: null });
    await eventually(async () => (await stops(world)).every(({ done }) => done));
    expect(await stops(world)).is([{ subscription, done: true }]);
    await told('renewed');
    expect(await periods()).is(1);
    const [surplus] = await stage.sql`
    SELECT q.amount_minor::int AS amount FROM refund_request q
    WHERE q.community_id = ${stage.community.id} AND q.surplus`;
    expect(surplus).is({ amount: PRICE });
    await booksAddUp(stage);
  },
);

story('A pause ends the subscription, and the house renews from then on', async (stage) => {
  const world = await open(stage);
  const { me, subscription, begin, membership } = world;
  await begin();
  const { id } = await membership();
  const resume_at = new Date(Date.now() + 20 * 86_400_000).toISOString();
  expect(await me.post(`/v1/me/memberships/${id}/pause`, { resume_at })).status(200);
  expect(await membership()).matches({ auto_renew: true, renewal_ref: null });
  expect((await stops(world)).map((s) => s.subscription)).is([subscription]);
});

story('The provider ends it; another amount than agreed buys nothing', async (stage) => {
  const world = await open(stage);
  const { charge, told, begin, membership, periods } = world;
  await begin();
  await told('renewed', charge(PRICE - 1));
  expect(await periods()).is(1);
  await told('renewal_stopped', {});
  await told('renewal_stopped', {});
  expect(await membership()).matches({ auto_renew: false, renewal_ref: null });
  const [differs] = await stage.sql`
    SELECT outcome FROM payment_event
    WHERE community_id = ${stage.community.id} AND kind = 'renewed'`;
  expect(differs).is({ outcome: 'differs' });
});
