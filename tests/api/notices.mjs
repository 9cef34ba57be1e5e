// Members are told of what happened: once, in their language, and not at night.
import { eventually, expect, race, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';

export const server = { env: { LYCEUM_LOOPS: '2', LYCEUM_DEMO: '1' } };

const paid = (plan) => ({
  kind: 'payment',
  plan_id: plan.id,
  amount_minor: plan.price_minor,
  currency: plan.currency,
  reference: `transfer-${uuid7()}`,
  reason: 'Bank transfer',
});

story('Who paid gets a receipt in their language, once', async ({ api, people, sql, mailbox }) => {
  const operator = await people.operator();
  const [ann, wei] = await people.members(2);
  await sql`UPDATE member SET locale = 'en' WHERE id = ${ann.id}`;
  await sql`UPDATE member SET locale = 'zh-CN' WHERE id = ${wei.id}`;
  const plan = await new Shop(api, operator).plan();
  for (const who of [ann, wei])
    expect(await api.as(operator).post(`/v1/members/${who.id}/grants`, paid(plan))).status(201);
  const says = async (who, words) => words.test((await mailbox.latest(who.email)).body);
  expect(await says(ann, /We received CNY 365\.00 for A year/)).is(true);
  expect(await says(wei, /已收到您为年卡支付的 ¥365\.00/)).is(true);
  await new Promise((done) => setTimeout(done, 1500));
  expect((await mailbox.all(ann.email)).length).is(1);
});

story('Who does not want a notice gets none, nor at night what can wait', async (stage) => {
  const { api, people, sql, mailbox } = stage;
  const ann = await people.member({ name: 'Ann' });
  const community = ann.community.id;
  const tell = (topic) => sql`
    INSERT INTO outbox (community_id, id, topic, subject_id, payload)
    VALUES (${community}, uuid7(), ${topic}, ${ann.id}, '{}')`;
  const hour = Number((await sql`
    SELECT extract(hour FROM now() AT TIME ZONE 'Asia/Shanghai') AS h`)[0].h);
  await sql`
    INSERT INTO selling_policy (community_id, quiet_from, quiet_until)
    VALUES (${community}, ${hour}, ${(hour + 2) % 24})`;
  const before = await api.as(ann).get('/v1/me/notices');
  expect(before).status(200).body({ welcome: 'any', ended: 'any' });
  const off = { welcome: 'off' };
  expect(await api.as(ann).patch('/v1/me/notices', off)).status(200).body(off);
  expect(
    await api.as(ann).patch('/v1/me/notices', off, { headers: { 'If-Match': '"old"' } }),
  ).problem('version_changed');
  expect(await api.as(ann).patch('/v1/me/notices', { receipt: 'off' })).problem('body_invalid');
  await tell('member.joined');
  await tell('membership.ended');
  await tell('payment.refunded');
  await mailbox.latest(ann.email);
  await new Promise((done) => setTimeout(done, 1500));
  expect((await mailbox.all(ann.email)).length).is(1);
  const waiting = await sql`
    SELECT notice, due_at > now() AS later FROM delivery WHERE community_id = ${community}`;
  expect(JSON.stringify(waiting)).is('[{"notice":"ended","later":true}]');
});

story('A thousand rows of racing transactions all arrive, each once', async (stage) => {
  const { people, sql } = stage;
  const ann = await people.member({ name: 'Ann' });
  const community = ann.community.id;
  await race(20, async () => {
    const session = await stage.session(); // one connection would do them one after the other
    for (let i = 0; i < 5; i++)
      await session.query(
        `WITH made AS (
           INSERT INTO outbox (community_id, id, topic, subject_id)
           SELECT $1, uuid7(), 'member.joined', $2 FROM generate_series(1, 10) RETURNING 1)
         SELECT pg_sleep(random() * 0.2), count(*) FROM made`,
        [community, ann.id],
      );
    await session.end();
  });
  const count = async () =>
    Number((await sql`SELECT count(*) AS n FROM mailbox WHERE recipient = ${ann.email}`)[0].n);
  await eventually(async () => (await count()) >= 1000, 300_000);
  await new Promise((done) => setTimeout(done, 1500));
  expect(await count()).is(1000);
});
