// In the demo community, as `make run` loads it, an order can be paid by clicking.
import { expect, raw, story } from './lib/story.mjs';
import { becomes, openOrder } from './lib/orders.mjs';

export const server = { template: 'demo' };

story('The demo’s newcomer pays for a year on the test page, and is in', async (stage) => {
  const { api, sql } = stage;
  const [community] = await sql`SELECT id, slug FROM community WHERE slug = 'kaiyou'`;
  const signed = await api.post('/v1/communities/kaiyou/sessions', {
    login: 'newcomer@kaiyou.example',
    password: 'kaiyou-demo-2026',
  });
  expect(signed).status(201);
  const member = { token: signed.body.access_token };
  const [{ id }] = await sql`
    SELECT m.id FROM member m JOIN identity i ON i.account_id = m.account_id
    WHERE m.community_id = ${community.id} AND i.subject = 'newcomer@kaiyou.example'`;
  const [plan] = await sql`
    SELECT id FROM plan WHERE community_id = ${community.id} AND slug = 'yearly'`;
  const order = await openOrder({ sql, community }, { id }, plan);
  const ways = await api.as(member).get(`/v1/orders/${order.id}/ways`);
  expect(ways).status(200);
  expect(ways.body.data.map(({ provider, method }) => `${provider} ${method}`)).is([
    'hand transfer',
    'hand cash',
    'test page',
    'test qr',
  ]);
  expect(ways.body.data[0].account['zh-CN'].includes('\n')).is(true);
  const body = { provider: 'test', method: 'page' };
  const attempt = await api.as(member).post(`/v1/orders/${order.id}/attempts`, body);
  expect(attempt).status(201);
  const page = new URL(attempt.body.pay_url).pathname;
  const shown = await api.get(page, { headers: { 'Accept-Language': 'zh-CN' } });
  expect(shown).status(200).text(/大讲堂会员[^]*365\.00 CNY/);
  expect(await api.post(page, raw('act=pay', 'application/x-www-form-urlencoded'))).status(303);
  await becomes(stage, order, 'paid');
  expect(await api.as(member).get('/v1/me/membership')).body({ active: true });
});
