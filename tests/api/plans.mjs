// Products and the versions of their plans: made by operators, seen by anybody.
import { expect, patiently, race, story } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';

async function open({ api, people }) {
  const operator = await people.operator();
  return { operator, console: api.as(operator), shop: new Shop(api, operator) };
}

story('A plan is on sale in its newest version; who asks sees it at once', async (stage) => {
  const { console, shop } = await open(stage);
  const product = await shop.product({ position: 1 });
  const { api, community } = stage;
  const onSale = async () => (await api.get(`${community.path}/plans`)).body.data;
  expect(await onSale()).is([]);
  const terms = { ...shop.terms(), slug: 'year', trial_days: 7, grace_days: 3 };
  const first = await console.post(`/v1/products/${product.id}/plans`, terms);
  expect(first)
    .status(201)
    .header('Location', `/v1/plans/${first.id}`)
    .body({ version: 1, price_minor: 36500, currency: 'CNY', on_sale: true, retired_at: null });
  expect(await onSale()).matches([{ id: first.id, product_slug: product.slug, trial_days: 7 }]);
  const dearer = { ...terms, price_minor: 39900 };
  const second = await console.post(`/v1/products/${product.id}/plans`, dearer);
  expect(second).status(201).body({ version: 2, price_minor: 39900 });
  expect(await onSale()).matches([{ id: second.id, version: 2, name: { 'zh-CN': '年卡' } }]);
  expect(await console.get(`/v1/plans/${first.id}`))
    .status(200)
    .body({ version: 1, price_minor: 36500, on_sale: false, retired_at: /Z$/ });
  expect(await console.post(`/v1/plans/${second.id}/retire`))
    .status(200)
    .body({ on_sale: false });
  expect(await console.post(`/v1/plans/${second.id}/retire`)).status(200);
  expect(await onSale()).is([]);
  const listed = await console.get('/v1/plans', { query: { product_id: product.id } });
  expect(listed.body.data.map((p) => p.version)).is([2, 1]);
  expect((await console.get('/v1/plans', { query: { on_sale: 'true' } })).body.data).is([]);
});

story('Terms that make no sense are refused, all faults at once', async (stage) => {
  const { console, shop } = await open(stage);
  const path = `/v1/products/${(await shop.product()).id}/plans`;
  const bad = (more) => console.post(path, { ...shop.terms(), ...more });
  expect(await bad({ price_minor: 19.9, currency: 'yuan' }))
    .problem('body_invalid', 422)
    .fault('/price_minor', 'type')
    .fault('/currency', 'too_long');
  expect(await bad({ price_minor: -1 })).fault('/price_minor', 'out_of_range');
  expect(await bad({ currency: 'cny' })).fault('/currency', 'format');
  expect(await bad({ period_count: undefined })).fault('/period_count', 'required');
  expect(await bad({ period_unit: undefined })).fault('/period_unit', 'required');
  expect(await bad({ period_unit: 'lifetime', period_count: 2 })).fault('/period_count');
  expect(await bad({ period_unit: 'fortnight' })).fault('/period_unit', 'choice');
  expect(await bad({ price: 1 })).fault('/price', 'unknown');
});

story('A short name is one product’s; versions made at once follow one another', async (stage) => {
  const { console, shop } = await open(stage);
  const product = await shop.product();
  const plan = await shop.plan({ product });
  const other = await shop.product();
  const again = { ...shop.terms(), slug: plan.slug };
  expect(await console.post(`/v1/products/${other.id}/plans`, again)).problem('slug_taken', 409);
  const all = await race(16, () =>
    patiently(() => console.post(`/v1/products/${product.id}/plans`, again)),
  );
  expect(all.map((r) => r.status)).is(Array(16).fill(201));
  expect(all.map((r) => r.body.version).sort((a, b) => a - b)).is(
    Array.from({ length: 16 }, (_, i) => i + 2),
  );
  const left = await console.get('/v1/plans', {
    query: { product_id: product.id, on_sale: 'true' },
  });
  expect(left.body.data.map((p) => p.version)).is([17]);
});

story('Products are made, changed by merge patch and archived', async (stage) => {
  const { console, shop } = await open(stage);
  const { api, community } = stage;
  const product = await shop.product({ summary: { en: 'All of it' } });
  const path = `/v1/products/${product.id}`;
  const twin = { slug: product.slug, kind: 'camp', name: { en: 'Twin' } };
  expect(await console.post('/v1/products', twin)).problem('slug_taken', 409);
  await shop.plan({ product });
  const read = await console.get(path);
  expect(read)
    .status(200)
    .header('ETag')
    .body({ archived: false, summary: { en: 'All of it' } });
  const etag = { headers: { 'If-Match': read.header('ETag') } };
  const renamed = await console.patch(path, { name: { en: 'Club' }, summary: null }, etag);
  expect(renamed)
    .status(200)
    .body({ name: { en: 'Club', 'zh-CN': '会员' }, summary: null });
  expect(await console.patch(path, { position: 3 }, etag)).problem('version_changed', 412);
  expect((await api.get(`${community.path}/plans`)).body.data[0].product_name.en).is('Club');
  expect(await console.patch(path, { archived: true }))
    .status(200)
    .body({ archived: true });
  expect((await api.get(`${community.path}/plans`)).body.data).is([]);
  expect(await console.post(`${path}/plans`, shop.terms())).problem('state_forbids', 409);
  expect(await console.patch(path, { slug: (await shop.product()).slug })).problem(
    'slug_taken',
    409,
  );
  const all = await console.get('/v1/products', { query: { limit: 1 } });
  expect(all).status(200).body({ has_more: true });
});

story('Plans are operators’ work, each in their own community', async (stage) => {
  const { api, people } = stage;
  const { shop, console } = await open(stage);
  const plan = await shop.plan();
  const eve = await people.in(await stage.another()).operator();
  const member = api.as(await people.member());
  const paths = [
    '/v1/products',
    `/v1/products/${plan.product_id}`,
    '/v1/plans',
    `/v1/plans/${plan.id}`,
  ];
  for (const path of paths) {
    expect(await member.get(path)).problem('not_allowed', 403);
  }
  expect(await api.as(eve).get(`/v1/plans/${plan.id}`)).problem('not_found', 404);
  expect(await api.as(eve).post(`/v1/plans/${plan.id}/retire`)).problem('not_found', 404);
  expect(await api.as(eve).get(`/v1/products/${plan.product_id}`)).problem('not_found', 404);
  expect(await api.as(eve).patch(`/v1/products/${plan.product_id}`, { position: 9 })).problem(
    'not_found',
    404,
  );
  expect(await api.as(eve).post(`/v1/products/${plan.product_id}/plans`, shop.terms())).problem(
    'not_found',
    404,
  );
  expect((await api.as(eve).get('/v1/plans')).body.data).is([]);
  expect(await api.get('/v1/communities/nowhere/plans')).problem('not_found', 404);
  expect(await console.get(`/v1/plans/${plan.id}`)).status(200);
});

story('The same key makes one product, and answers byte for byte', async (stage) => {
  const { console } = await open(stage);
  const body = { slug: 'keyed', kind: 'camp', name: { en: 'Keyed' } };
  const keyed = console.with({ 'Idempotency-Key': 'product-1' });
  const first = await keyed.post('/v1/products', body);
  const again = await keyed.post('/v1/products', body);
  expect(first).status(201);
  expect(again).status(201).header('Idempotent-Replayed', 'true').text(first.text);
  expect(again.header('Location')).is(first.header('Location'));
  expect(await keyed.post('/v1/products', { ...body, slug: 'other' })).problem(
    'idempotency_mismatch',
    422,
  );
});
