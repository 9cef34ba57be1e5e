// Operators' work with codes: one by one, in campaigns, by the batch; and who did what.
import { eventually, expect, patiently, race, story, uuid7 } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';

const DAY = 86_400_000;
const soon = (days) => new Date(Date.now() + days * DAY).toISOString();

async function open({ api, people }) {
  const operator = await people.operator();
  const shop = new Shop(api, operator);
  return { api, people, operator, shop, console: api.as(operator) };
}

story(
  'A machine-made code is shown again to operators, and that is written down',
  async (stage) => {
    const { console, shop, operator } = await open(stage);
    const plan = await shop.plan();
    const made = await console.post('/v1/codes', { plan_id: plan.id, days: 30, max_uses: 2 });
    expect(made)
      .status(201)
      .header('Location', `/v1/codes/${made.id}`)
      .body({
        code: /^[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){2}$/,
        machine_made: true,
        status: 'live',
        effect: 'days',
        used: 0,
        created_by: operator.id,
      });
    const seen = await console.get(`/v1/codes/${made.id}`);
    expect(seen)
      .status(200)
      .header('ETag')
      .body({ code: made.body.code, product_id: plan.product_id });
    const log = await console.get('/v1/audit-log', { query: { target_id: made.id } });
    expect(log).status(200);
    expect(log.body.data.map((e) => e.action)).is(['code.reveal', 'code.create']);
    expect(log.body.data[0]).matches({
      actor_id: operator.id,
      actor_role: 'operator',
      via: 'http',
    });
    expect(log.text.includes(made.body.code)).is(false);
    const listed = await console.get('/v1/codes', { query: { q: made.body.code.toLowerCase() } });
    expect(listed)
      .status(200)
      .body({ data: [{ id: made.id }], has_more: false });
    expect(listed.text.includes(made.body.code)).is(false);
    expect((await console.get('/v1/codes', { query: { q: 'never was' } })).body.data).is([]);
  },
);

story('A chosen code reads like no other, and unlike a machine-made one', async (stage) => {
  const { console, shop } = await open(stage);
  const plan = await shop.plan();
  const choose = (code, more) =>
    console.post('/v1/codes', { plan_id: plan.id, days: 7, code, ...more });
  expect(await choose('Spring 2026'))
    .status(201)
    .body({ code: 'SPR1NG2026', machine_made: false });
  expect(await choose('spr1ng-2o26')).problem('code_taken', 409);
  expect(await choose((await shop.code({ plan })).code)).problem('code_looks_machine_made', 422);
  expect(await choose('ABCDE-FGHJK-MNPQR')).problem('code_looks_machine_made', 422);
  expect(await choose('what?!'))
    .problem('body_invalid', 422)
    .fault('/code', 'format');
  const replies = await race(8, () => patiently(() => choose('ONE-ONLY')));
  expect(replies.filter((r) => r.status === 201).length).is(1);
  expect(replies.filter((r) => r.body.code === 'code_taken').length).is(7);
});

story('What a code is worth must make sense', async (stage) => {
  const { console, shop } = await open(stage);
  const plan = await shop.plan();
  const make = (more) => console.post('/v1/codes', { plan_id: plan.id, ...more });
  expect(await make({}))
    .problem('body_invalid', 422)
    .fault('/days', 'required');
  expect(await make({ effect: 'trial' })).fault('/days', 'required');
  expect(await make({ days: 7, percent: 10 })).fault('/percent', 'superfluous');
  expect(await make({ days: 7, discount_minor: 10 })).fault('/discount_minor', 'superfluous');
  expect(await make({ effect: 'discount' })).fault('/percent', 'required');
  expect(await make({ effect: 'discount', percent: 5, days: 7 })).fault('/days', 'superfluous');
  expect(await make({ effect: 'discount', percent: 5, discount_minor: 7 })).fault(
    '/discount_minor',
    'superfluous',
  );
  expect(await make({ effect: 'discount', percent: 101 })).fault('/percent', 'out_of_range');
  expect(await make({ effect: 'discount', discount_minor: 12.5 })).fault('/discount_minor', 'type');
  expect(await make({ days: 7, valid_until: soon(-1) })).fault('/valid_until', 'too_early');
  expect(await make({ days: 7, valid_from: soon(3), valid_until: soon(2) })).fault('/valid_until');
  expect(await make({ days: 7, reserved_for: 'nobody' })).fault('/reserved_for', 'format');
  const shared = { days: 7, reserved_for: 'bob@example.org', max_uses: 2 };
  expect(await make(shared)).fault('/max_uses', 'too_much');
  expect(await make({ days: 7, plan_id: uuid7() })).fault('/plan_id', 'unknown');
  expect(await make({ days: 7, campaign_id: uuid7() })).fault('/campaign_id', 'unknown');
  await console.post(`/v1/plans/${plan.id}/retire`);
  expect(await make({ days: 7 })).problem('plan_retired', 409);
});

story('A code changes within its limits, and only from what was read', async (stage) => {
  const { api, console, shop, people } = await open(stage);
  const plan = await shop.plan();
  const code = await shop.code({ plan, max_uses: 3 });
  const path = `/v1/codes/${code.id}`;
  for (const who of await people.members(2)) {
    expect(await api.as(who).post('/v1/redemptions', { code: code.code })).status(201);
  }
  expect(await console.patch(path, { max_uses: 1 })).fault('/max_uses', 'too_little');
  const read = await console.get(path);
  const changed = await console.patch(
    path,
    { max_uses: 2, valid_until: soon(5) },
    { headers: { 'If-Match': read.header('ETag') } },
  );
  expect(changed).status(200).body({ max_uses: 2, used: 2, status: 'sold_out', code: code.code });
  const stale = { headers: { 'If-Match': read.header('ETag') } };
  expect(await console.patch(path, { max_uses: 9 }, stale)).problem('version_changed', 412);
  expect(await console.patch(path, { valid_from: soon(6) })).fault('/valid_until', 'too_early');
  expect(await console.patch(path, { valid_until: null, max_uses: 9 }))
    .status(200)
    .body({ valid_until: null, status: 'live' });
  expect(await console.patch(path, { used: 0 })).fault('/used', 'unknown');
  expect(await console.patch(path, { revoked: true })).body({
    status: 'revoked',
    revoked_at: /Z$/,
  });
  expect(await console.patch(path, { revoked: true })).status(200);
  expect(await console.patch(path, { revoked: false })).problem('state_forbids', 409);
  const reserved = await shop.code({ plan, reserved_for: 'bob@example.org' });
  expect(await console.patch(`/v1/codes/${reserved.id}`, { max_uses: 2 })).fault(
    '/max_uses',
    'too_much',
  );
  const log = await console.get('/v1/audit-log', {
    query: { target_id: code.id, action: 'code.revoke' },
  });
  expect(log.body.data.length).is(2);
  expect(await shop.proof(code)).matches({ used: 2, live_redemptions: 2, balanced: true });
  const who = await console.get(`${path}/redemptions`, { query: { limit: 1 } });
  expect(who)
    .status(200)
    .body({ has_more: true, data: [{ display_name: 'Somebody' }] });
});

story('Codes are found by what they are', async (stage) => {
  const { console, shop } = await open(stage);
  const plan = await shop.plan();
  const campaign = await shop.campaign();
  const live = await shop.code({ plan });
  const later = await shop.code({ plan, valid_from: soon(1), campaign_id: campaign.id });
  const gone = await shop.code({ plan });
  await console.patch(`/v1/codes/${gone.id}`, { revoked: true });
  const found = async (query) =>
    (await console.get('/v1/codes', { query })).body.data.map((c) => c.id);
  expect(await found({})).is([gone.id, later.id, live.id]);
  expect(await found({ status: 'live' })).is([live.id]);
  expect(await found({ status: 'not_yet_valid' })).is([later.id]);
  expect(await found({ status: 'revoked' })).is([gone.id]);
  expect(await found({ campaign_id: campaign.id })).is([later.id]);
  const first = await console.get('/v1/codes', { query: { limit: 2 } });
  await shop.code({ plan });
  const next = { limit: 2, cursor: first.body.next_cursor };
  expect(await found(next)).is([live.id]);
  expect(await console.get('/v1/codes', { query: { status: 'cold' } })).problem(
    'query_invalid',
    400,
  );
  expect(await console.get('/v1/codes', { query: { cursor: 'x' } })).problem('cursor_invalid', 400);
});

story('A campaign gives out no more codes than its quota, in a race neither', async (stage) => {
  const { console, shop } = await open(stage);
  const plan = await shop.plan();
  const campaign = await shop.campaign({ quota: 5, source: 'spring fair' });
  const path = `/v1/campaigns/${campaign.id}`;
  const more = { plan_id: plan.id, days: 7, campaign_id: campaign.id };
  const replies = await race(16, () => patiently(() => console.post('/v1/codes', more)));
  expect(replies.filter((r) => r.status === 201).length).is(5);
  expect(replies.filter((r) => r.body.code === 'campaign_full').length).is(11);
  expect(await console.get(path)).body({ codes: 5, quota: 5, source: 'spring fair' });
  expect(await console.patch(path, { quota: 4 })).problem('campaign_full', 409);
  expect(await console.post('/v1/code-batches', { ...more, count: 1 })).problem(
    'campaign_full',
    409,
  );
  const read = await console.get(path);
  const from = { headers: { 'If-Match': read.header('ETag') } };
  expect(await console.patch(path, { quota: null, name: 'Summer' }, from)).body({ quota: null });
  expect(await console.patch(path, { name: 'Autumn' }, from)).problem('version_changed', 412);
  expect(await console.patch(path, { valid_from: soon(2), valid_until: soon(1) })).fault(
    '/valid_until',
    'too_early',
  );
  expect(
    await console.post('/v1/campaigns', { name: 'x', valid_from: soon(2), valid_until: soon(1) }),
  ).fault('/valid_until', 'too_early');
  await console.patch(path, { ended: true });
  expect(await console.post('/v1/codes', more)).problem('state_forbids', 409);
  expect(await console.post('/v1/code-batches', { ...more, count: 1 })).problem(
    'state_forbids',
    409,
  );
  expect(await console.get('/v1/campaigns')).body({ data: [{ id: campaign.id, name: 'Summer' }] });
});

story('A batch is minted by a job, redeemed, and exported', async (stage) => {
  const { api, console, shop, people, operator } = await open(stage);
  const plan = await shop.plan();
  const terms = { count: 12_000, plan_id: plan.id, days: 30, valid_until: soon(90) };
  const dry = await console.post('/v1/code-batches', { ...terms, dry_run: true });
  expect(dry).status(200).body({ dry_run: true, total: 12_000, done: 0 });
  expect((await console.get('/v1/code-batches')).body.data).is([]);
  const ordered = await console.post('/v1/code-batches', terms);
  expect(ordered).status(202).header('Location', `/v1/jobs/${ordered.id}`).body({ total: 12_000 });
  const job = await eventually(async () => {
    const reply = await console.get(ordered.header('Location'));
    return reply.body.state === 'done' && reply;
  });
  expect(job).status(200).body({ kind: 'mint_codes', done: 12_000, failed: 0, error: null });
  expect(await console.get(`/v1/code-batches/${ordered.id}`))
    .status(200)
    .body({ count: 12_000, done: 12_000, state: 'done', days: 30, max_uses: 1 });
  expect(await console.get('/v1/code-batches')).body({ data: [{ id: ordered.id }] });
  const file = await console.get(`/v1/code-batches/${ordered.id}/codes.csv`);
  expect(file)
    .status(200)
    .header('Content-Type', /^text\/csv; charset=utf-8/)
    .header('Content-Disposition', /^attachment; filename="codes-.*\.csv"/)
    .header('Link', null);
  expect(file.text.startsWith('\uFEFF')).isTrue();
  const lines = file.text.slice(1).split('\r\n').filter(Boolean);
  expect(lines.length).is(12_001);
  const cells = lines.map((line) => line.split(',').map((c) => c.replace(/^"|"$/g, '')));
  expect(cells[0]).is(['code', 'status', 'max_uses', 'used', 'valid_from', 'valid_until']);
  expect(new Set(cells.map(([code]) => code)).size).is(12_001);
  const [code] = cells[777];
  stage.secret(code);
  const ann = await people.member();
  const got = await api.as(ann).post('/v1/redemptions', { code });
  expect(got).status(201);
  const found = await console.get('/v1/codes', {
    query: { batch_id: ordered.id, status: 'sold_out' },
  });
  expect(found.body.data.length).is(1);
  const log = await console.get('/v1/audit-log', { query: { action: 'code_batch' } });
  expect(log.body.data.map((e) => e.action)).is(['code_batch.export', 'code_batch.create']);
  expect(log.body.data[0]).matches({ actor_id: operator.id, target_id: ordered.id });
});

story('A batch that makes no sense is not begun', async (stage) => {
  const { console, shop } = await open(stage);
  const plan = await shop.plan();
  const order = (more) => console.post('/v1/code-batches', { count: 5, plan_id: plan.id, ...more });
  expect(await order({}))
    .problem('body_invalid', 422)
    .fault('/days', 'required');
  expect(await order({ days: 7, count: 0 })).fault('/count', 'out_of_range');
  expect(await order({ days: 7, plan_id: uuid7() })).fault('/plan_id', 'unknown');
  expect(await order({ days: 7, campaign_id: uuid7() })).fault('/campaign_id', 'unknown');
  expect(await order({ days: 7, valid_until: soon(-1) })).fault('/valid_until', 'too_early');
  expect(await order({ effect: 'discount' })).fault('/percent', 'required');
  expect(await order({ days: 7, percent: 5, dry_run: true })).fault('/percent', 'superfluous');
  await console.post(`/v1/plans/${plan.id}/retire`);
  expect(await order({ days: 7 })).problem('plan_retired', 409);
  expect((await console.get('/v1/code-batches')).body.data).is([]);
});

story('A keyed order mints one batch, and a keyed code is one code', async (stage) => {
  const { console, shop } = await open(stage);
  const plan = await shop.plan();
  const order = { count: 3, plan_id: plan.id, days: 7 };
  const keyed = (key) => console.with({ 'Idempotency-Key': key });
  const first = await keyed('b').post('/v1/code-batches', order);
  const again = await keyed('b').post('/v1/code-batches', order);
  expect(again).status(202).header('Idempotent-Replayed', 'true').text(first.text);
  expect((await console.get('/v1/code-batches')).body.data.length).is(1);
  const code = await keyed('c').post('/v1/codes', { plan_id: plan.id, days: 7 });
  expect(await keyed('c').post('/v1/codes', { plan_id: plan.id, days: 7 }))
    .status(201)
    .text(code.text);
});

story('Codes are operators’ work, and no other community’s', async (stage) => {
  const { api, people, shop, console } = await open(stage);
  const plan = await shop.plan();
  const code = await shop.code({ plan });
  const campaign = await shop.campaign();
  const batch = await console.post('/v1/code-batches', { count: 1, plan_id: plan.id, days: 7 });
  const lecturer = api.as(await people.lecturer());
  const eve = api.as(await people.in(await stage.another()).operator());
  const reads = [
    `/v1/codes/${code.id}`,
    `/v1/codes/${code.id}/proof`,
    `/v1/campaigns/${campaign.id}`,
    `/v1/code-batches/${batch.id}`,
    `/v1/code-batches/${batch.id}/codes.csv`,
    `/v1/codes/${code.id}/redemptions`,
    `/v1/jobs/${batch.id}`,
  ];
  for (const path of reads) {
    expect(await lecturer.get(path)).problem('not_allowed', 403);
    expect(await eve.get(path)).problem('not_found', 404);
  }
  for (const path of ['/v1/codes', '/v1/campaigns', '/v1/code-batches']) {
    expect(await lecturer.get(path)).problem('not_allowed', 403);
    expect((await eve.get(path)).body.data).is([]);
  }
  expect((await eve.get('/v1/audit-log', { query: { target_id: code.id } })).body.data).is([]);
  expect(await eve.patch(`/v1/codes/${code.id}`, { revoked: true })).problem('not_found', 404);
  expect(await eve.patch(`/v1/campaigns/${campaign.id}`, { ended: true })).problem(
    'not_found',
    404,
  );
  expect(await eve.post('/v1/codes', { plan_id: plan.id, days: 7 })).fault('/plan_id', 'unknown');
  expect(await lecturer.post('/v1/codes', { plan_id: plan.id, days: 7 })).problem(
    'not_allowed',
    403,
  );
  expect(await lecturer.get('/v1/audit-log')).problem('not_allowed', 403);
});

story('The audit log is read by who, what, on what and when', async (stage) => {
  const { console, shop, operator, people, api } = await open(stage);
  const started = new Date(Date.now() - 1000).toISOString();
  const plan = await shop.plan();
  const other = await people.operator();
  await new Shop(api, other).code({ plan });
  const read = async (query) => (await console.get('/v1/audit-log', { query })).body.data;
  expect((await read({ actor_id: other.id })).map((e) => e.action)).is(['code.create']);
  expect((await read({ actor_id: operator.id, target_kind: 'plan' })).length).is(1);
  expect((await read({ 'at[lt]': started })).length).is(0);
  const all = await read({ 'at[gte]': started });
  const paged = [];
  let cursor;
  do {
    const page = await console.get('/v1/audit-log', {
      query: { 'at[gte]': started, limit: 1, ...(cursor && { cursor }) },
    });
    paged.push(...page.body.data);
    cursor = page.body.next_cursor;
  } while (cursor);
  expect(paged.map((e) => e.id)).is(all.map((e) => e.id));
  expect(await console.get('/v1/audit-log', { query: { 'at[gte]': 'now' } })).problem(
    'query_invalid',
  );
});
