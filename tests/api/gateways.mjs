// Setting up ways to pay.
import { expect, story } from './lib/story.mjs';

story('Owners set up ways to pay; secrets go in and never come out', async (stage) => {
  const { api, people, sql, community } = stage;
  const owner = await people.owner();
  const operator = await people.operator();
  const put = (body, who = owner) => api.as(who).put('/v1/gateways', body);
  expect(await api.as(operator).get('/v1/gateways')).problem('not_allowed', 403);
  expect(await put({ provider: 'hand' }, operator)).problem('not_allowed', 403);
  expect(await api.as(owner).get('/v1/gateways'))
    .status(200)
    .body({
      data: [
        { provider: 'hand', set_up: false, enabled: false, methods: ['transfer', 'cash'] },
        { provider: 'test', set_up: false, demo_only: true },
      ],
    });
  expect(await put({ provider: 'test' })).problem('way_closed', 409);
  await sql`UPDATE community SET demo = true WHERE id = ${community.id}`;
  expect(await put({ provider: 'cash' })).fault('/provider', 'unknown');
  expect(await put({ provider: 'hand' })).fault('/settings/account', 'required');
  for (const account of ['text', {}, { fr: 'x' }, { en: '' }, { en: 7 }]) {
    expect(await put({ provider: 'hand', settings: { account } })).fault(
      '/settings/account',
      'format',
    );
  }
  expect(await put({ provider: 'hand', settings: { iban: 'x' } })).fault(
    '/settings/iban',
    'unknown',
  );
  expect(await put({ provider: 'hand', settings: [] })).fault('/settings', 'type');
  expect(await put({ provider: 'test', settings: { secret: 'short' } })).fault(
    '/settings/secret',
    'format',
  );
  const account = { en: 'IBAN 7\nBank of Somewhere' };
  expect(await put({ provider: 'hand', settings: { account } }))
    .status(200)
    .body({ set_up: true, enabled: true, settings: { account }, hint: null, version: 1 });
  const secret = 'abcd'.repeat(16);
  stage.secret(secret);
  const made = await put({ provider: 'test', settings: { secret } });
  expect(made).status(200).body({ hint: '…abcd', settings: {} });
  expect(made.text.includes(secret)).is(false);
  // What is not given stays; another secret takes the place of the one before.
  expect(await put({ provider: 'test', enabled: false })).body({ hint: '…abcd', enabled: false });
  const other = { provider: 'test', settings: { secret: 'ef01'.repeat(16) } };
  expect(await put(other)).body({ hint: '…ef01', enabled: true, version: 3 });
  const { body } = await api.as(owner).get('/v1/audit-log', { query: { limit: 100 } });
  const changes = body.data.filter(({ action }) => action === 'gateway.change');
  expect(changes.length).is(4);
  expect(JSON.stringify(changes).includes(secret)).is(false);
  const [leak] = await sql`
    SELECT count(*)::int AS n FROM gateway_setting
    WHERE position('abcdabcd'::bytea IN sealed) > 0`;
  expect(leak.n).is(0);
});
