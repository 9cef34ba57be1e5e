// What is told of a membership: the timeline, the same to both sides; how a community sells; and the
// days for a lecture that was cancelled.
import { expect, race, story, uuid7 } from './lib/story.mjs';
import { inDays, Life } from './lib/life.mjs';
import { School } from './lib/school.mjs';
import { Shop } from './lib/shop.mjs';

const kinds = (reply) => reply.body.data.map(({ kind }) => kind);

story('Member and operators see the same timeline, in pages, newest first', async (stage) => {
  const life = await Life.open(stage);
  const plan = await life.plan();
  const ann = await life.joined(plan);
  const { person, me, path } = ann;
  const code = await life.shop.code({ plan, days: 10 });
  expect(await me.post('/v1/redemptions', { code: code.code })).status(201);
  expect(await me.post(`${path}/pause`, { resume_at: inDays(20), reason: 'Exams' })).status(200);
  expect(await me.post(`${path}/resume`)).status(200);
  const less = await life.plan({ product: { id: plan.product_id }, price_minor: 1000 });
  expect(await me.patch(path, { next_plan_id: less.id })).status(200);
  const hush = { reason: 'By phone' };
  expect(await life.console.post(`${ann.theirs}/cancel`, hush)).status(200);
  expect(await me.post(`${path}/return`)).status(200);
  const [payment] = await life.sql`
    SELECT p.* FROM payment p JOIN orders o ON o.id = p.order_id WHERE o.member_id = ${person.id}`;
  const c = life.community.id;
  await life.sql`SELECT dispute_open(${c}, ${uuid7()}, ${payment.id}, 'd', 3000, 'x', now())`;
  await life.sql`SELECT dispute_end(${c}, ${payment.id}, 'd', true, now())`;
  await life.sql`
    SELECT refund_record(${c}, ${uuid7()}, ${payment.id}, 'b', 3000, 'Unhappy',
                         ${life.operator.id}, now(), false, NULL)`;
  const gift = await life.order(person, plan, { kind: 'gift' });
  await life.pay(gift);
  const mine = await me.get('/v1/me/timeline', { query: { limit: 100 } });
  expect(mine).status(200);
  const theirs = await life.console.get(`/v1/members/${person.id}/timeline`, {
    query: { limit: 100 },
  });
  expect(theirs.body).is(mine.body);
  const all = mine.body.data;
  const seen = new Set(kinds(mine));
  for (const kind of [
    'order.created', 'payment.received', 'order.paid', 'span.given', 'code.redeemed', 'span.moved',
    'membership.pause', 'membership.resume', 'membership.change', 'membership.cancel',
    'membership.return', 'dispute.opened', 'dispute.won', 'payment.refunded', 'span.voided',
    'gift.ready',
  ])
    expect(seen.has(kind)).isTrue(`${kind} is told`);
  const one = (kind) => all.find((entry) => entry.kind === kind);
  expect(one('membership.pause')).matches({
    by: 'member',
    reason: 'Exams',
    says: { en: 'The membership was paused', 'zh-CN': '会员资格已暂停' },
    starts_at: /Z$/,
    ends_at: /Z$/,
  });
  expect(one('membership.cancel')).matches({ by: 'operator', ...hush });
  expect(one('code.redeemed')).matches({ code_hint: /./, source: 'code', by: 'member' });
  expect(one('payment.refunded')).matches({ amount_minor: 3000, currency: 'CNY', by: 'operator' });
  expect(one('membership.change')).matches({ plan_id: less.id });
  for (let i = 1; i < all.length; i++) expect(all[i - 1].at >= all[i].at).isTrue('newest first');
  // Page by page it is the same, each entry once.
  const paged = [];
  for (let query = { limit: 3 }; query; ) {
    const { data, next_cursor: cursor } = (await me.get('/v1/me/timeline', { query })).body;
    paged.push(...data);
    query = cursor ? { limit: 3, cursor } : null;
  }
  expect(paged).is(all);
  const eve = stage.api.as(await stage.people.in(await stage.another()).operator());
  expect(await eve.get(`/v1/members/${person.id}/timeline`)).problem('not_found', 404);
  const bob = stage.api.as(await stage.people.member());
  expect((await bob.get('/v1/me/timeline')).body.data).is([]);
});

story('Access says which row decides, also of what was disputed or carried on', async (stage) => {
  const life = await Life.open(stage);
  const ann = await life.joined(await life.plan());
  const { person } = ann;
  await life.pass(person, '10 days');
  const [payment] = await life.sql`
    SELECT p.* FROM payment p JOIN orders o ON o.id = p.order_id WHERE o.member_id = ${person.id}`;
  const [first] = (await ann.now()).spans;
  const c = life.community.id;
  await life.sql`SELECT dispute_open(${c}, ${uuid7()}, ${payment.id}, 'd', 3000, 'x', now())`;
  const explain = (at) =>
    life.console.get(`/v1/members/${person.id}/access`, at && { query: { at } });
  expect(await explain()).body({
    allowed: false,
    because: 'disputed',
    entitlement: { carried_from: first.id, void_reason: 'disputed', voided_at: /Z$/ },
  });
  expect(await explain(inDays(-5))).body({ allowed: true, entitlement: { id: first.id } });
  await life.sql`SELECT dispute_end(${c}, ${payment.id}, 'd', true, now())`;
  expect(await explain()).body({
    allowed: true,
    because: 'entitled',
    entitlement: { source: 'carried', carried_from: first.id },
  });
});

const DEFAULTS = {
  order_minutes: 30, hand_days: 7, renewal_days: 14, notice_days: 5, dunning_days: [0, 3, 7, 14],
  pause_days: 180, gift_days: 180, winback_percent: 0, winback_days: 30, quiet_from: 22,
  quiet_until: 8, version: 0,
};

story('Owners say how the community sells; operators read it; each change is a version', async (
  stage,
) => {
  const life = await Life.open(stage);
  const path = '/v1/selling-policy';
  const owner = stage.api.as(await stage.people.owner());
  const first = await life.console.get(path);
  expect(first).status(200);
  expect(first.body).is(DEFAULTS);
  expect(await life.console.patch(path, { pause_days: 10 })).problem('not_allowed', 403);
  const member = stage.api.as(await stage.people.member());
  expect(await member.get(path)).problem('not_allowed', 403);
  const ladder = { dunning_days: [1, 5], pause_days: 10 };
  const tagged = owner.with({ 'If-Match': first.header('ETag') });
  expect(await tagged.patch(path, ladder)).status(200).body({ ...ladder, version: 1 });
  expect(await tagged.patch(path, ladder)).problem('version_changed', 412);
  const eleven = Array.from({ length: 11 }, (_, day) => day);
  for (const [days, pointer, code] of [
    [[], '', 'too_few'],
    [eleven, '', 'too_many'],
    [[3, 3], '/1', 'not_ascending'],
    [[5, 1, 7, 6], '/1', 'not_ascending'],
    [[5, 1, 7, 6], '/3', 'not_ascending'],
    [[-1], '/0', 'out_of_range'],
    [[1, 91], '/1', 'out_of_range'],
    [['1'], '/0', 'type'],
    [[0, 1.5], '/1', 'type'],
    [[0, null], '/1', 'type'],
    ['all', '', 'type'],
    [null, '', 'type'],
    [{ 0: 1 }, '', 'type'],
  ]) {
    const reply = await owner.patch(path, { dunning_days: days });
    expect(reply).problem('body_invalid', 422).fault(`/dunning_days${pointer}`, code);
  }
  const { body: document } = await stage.api.get('/openapi.json');
  const { dunning_days: typed } = document.components.schemas.selling_policy.properties;
  expect(typed).matches({ type: 'array', minItems: 1, maxItems: 10 });
  expect(typed.items).matches({ type: 'integer', minimum: 0, maximum: 90 });
  expect(await owner.patch(path, { renewal_days: 3 })).fault('/renewal_days', 'too_little');
  expect(await owner.patch(path, { pause_days: 367 })).fault('/pause_days', 'out_of_range');
  const replies = await race(8, (i) => owner.patch(path, { gift_days: 100 + i }));
  const good = replies.filter(({ status }) => status === 200);
  for (const reply of replies) {
    if (reply.status !== 200) expect(reply).problem('version_changed', 412);
  }
  expect((await owner.get(path)).body.version).is(1 + good.length);
  const audit = await owner.get('/v1/audit-log', { query: { action: 'selling_policy.change' } });
  expect(audit.body.data.length).is(1 + good.length);
  expect(audit.body.data.at(-1)).matches({
    before: { dunning_days: [0, 3, 7, 14], pause_days: 180 },
    after: ladder,
  });
});

story('A ladder of one’s own is the one that is climbed', async (stage) => {
  const life = await Life.open(stage);
  const owner = stage.api.as(await stage.people.owner());
  const policy = { dunning_days: [2], notice_days: 1, renewal_days: 3 };
  expect(await owner.patch('/v1/selling-policy', policy)).status(200);
  const ann = await life.joined(await life.plan({ period_unit: 'week' }));
  await life.pass(ann.person, '3 days');
  await life.walk();
  expect((await ann.now()).renewal).is(null);
  await life.pass(ann.person, '1 day');
  await life.walk();
  const { renewal } = await ann.now();
  expect(renewal.expires_at).is(inDays(3, renewal.due_at));
  await life.pass(ann.person, '4 days 12 hours');
  await life.walk();
  expect(await life.topics(ann.person, 'renewal.')).is([]);
  await life.pass(ann.person, '13 hours');
  await life.walk();
  const told = await life.told(ann.person, 'renewal.reminded');
  expect(told.map(({ payload }) => [payload.step, payload.steps])).is([[1, 1]]);
});

story('Who was to come to a cancelled lecture gets days, once, whoever asks how often', async (
  stage,
) => {
  const life = await Life.open(stage);
  const school = new School(stage);
  const plan = await life.plan();
  const ann = await life.joined(plan);
  const people = await Promise.all([1, 2, 3, 4].map(() => stage.people.member()));
  const [bob, ticketed, lapsed, forever] = people;
  const lecture = await school.lecture(600);
  const c = life.community.id;
  for (const { id } of [ann.person, bob, forever]) {
    await life.sql`
      INSERT INTO rsvp (community_id, lecture_id, member_id, state, seated, confirmed_at)
      VALUES (${c}, ${lecture}, ${id}, 'confirmed', false, now())`;
  }
  await life.sql`
    INSERT INTO rsvp (community_id, lecture_id, member_id, state, seated, cancelled_at)
    VALUES (${c}, ${lecture}, ${lapsed.id}, 'cancelled', false, now())`;
  await life.sql`
    INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
                             granted_by, reason)
    VALUES (${c}, ${forever.id}, ${uuid7()}, ${plan.product_id}, ${plan.id},
            tstzrange(now(), '2299-12-31Z'), 'comp', ${ann.person.id}, 'x')`;
  const ticket = await life.shop.plan({
    product: await life.shop.product({ kind: 'ticket' }),
    period_unit: undefined,
    period_count: undefined,
  });
  await life.pay(await life.order(ticketed, ticket, { kind: 'ticket', lecture_id: lecture }));
  const path = `/v1/lectures/${lecture}/compensation`;
  const body = { days: 3, plan_id: plan.id, reason: 'The lecturer fell ill' };
  expect(await life.console.post(path, body)).problem('state_forbids', 409);
  const cancel = { reason: 'The lecturer fell ill' };
  expect(await life.console.post(`/v1/lectures/${lecture}/cancel`, cancel)).status(200);
  expect(await life.console.post(path, { ...body, plan_id: uuid7() })).fault('/plan_id', 'unknown');
  expect(await life.console.post(path, { ...body, plan_id: ticket.id })).fault('/plan_id');
  expect(await life.console.post(`/v1/lectures/${uuid7()}/compensation`, body)).problem('not_found');
  const before = await life.time(ann.person);
  const replies = await race(16, () => life.console.post(path, body));
  const good = replies.filter(({ status }) => status === 200);
  for (const reply of replies) if (reply.status !== 200) expect(reply).problem('busy', 503);
  expect(good.reduce((sum, { body: { given } }) => sum + given, 0)).is(2);
  expect(await life.console.post(path, body))
    .status(200)
    .body({ given: 0, already: 2, nothing_to_add: 1, others: 0, remaining: 0 });
  expect((await life.time(ann.person)) - before).is(3 * 86_400e6);
  expect(await life.time(bob)).is(3 * 86_400e6);
  for (const { id } of [ticketed, lapsed]) expect(await life.time({ id })).is(0);
  expect((await ann.now()).spans[1]).matches({ source: 'compensation' });
  const timeline = await ann.me.get('/v1/me/timeline');
  expect(timeline.body.data[0]).matches({
    kind: 'span.given',
    source: 'compensation',
    by: 'operator',
    reason: body.reason,
  });
  expect(await life.topics(bob, 'compensation.')).is(['compensation.given']);
});

story('Days for a cancelled lecture go to one product’s members alone, if it is named', async (
  stage,
) => {
  const life = await Life.open(stage);
  const lecture = await new School(stage).lecture(600);
  const c = life.community.id;
  const gold = await life.plan();
  const silver = await life.plan();
  const yearly = await life.plan({ product: { id: gold.product_id }, period_unit: 'year' });
  const ann = await life.joined(gold);
  const bob = await life.joined(silver);
  const both = await life.joined(gold);
  await life.pay(await life.order(both.person, silver));
  const [late, year, void_] = [
    await life.joined(gold),
    await life.joined(yearly),
    await life.joined(gold),
  ];
  const guest = await stage.people.member();
  await life.pass(late.person, '60 days'); // it ended before
  await life.sql`
    UPDATE entitlement SET voided_at = now(), void_reason = 'As the story asks'
    WHERE member_id = ${void_.person.id}`;
  const invited = [ann, bob, both, late, year, void_].map(({ person }) => person.id);
  for (const id of [...invited, guest.id]) {
    await life.sql`
      INSERT INTO rsvp (community_id, lecture_id, member_id, state, seated, confirmed_at)
      VALUES (${c}, ${lecture}, ${id}, 'confirmed', false, now())`;
  }
  const path = `/v1/lectures/${lecture}/compensation`;
  const why = { days: 3, reason: 'The lecturer fell ill' };
  const body = { ...why, product_id: gold.product_id };
  expect(await life.console.post(path, body)).problem('state_forbids', 409);
  expect(await life.console.post(`/v1/lectures/${lecture}/cancel`, { reason: 'Ill' })).status(200);
  expect(await life.console.post(path, why)).fault('/plan_id', 'required');
  expect(await life.console.post(path, { ...body, plan_id: gold.id })).fault(
    '/product_id',
    'superfluous',
  );
  const unknown = { ...why, product_id: uuid7() };
  expect(await life.console.post(path, unknown)).fault('/product_id', 'unknown');
  const ticket = await life.shop.product({ kind: 'ticket' });
  expect(await life.console.post(path, { ...why, product_id: ticket.id })).fault('/product_id');
  const eve = await stage.another();
  const theirs = await new Shop(stage.api, await stage.people.in(eve).operator()).product();
  expect(await life.console.post(path, { ...why, product_id: theirs.id })).fault('/product_id');
  const time = async () =>
    Promise.all([...invited, guest.id].map((id) => life.time({ id })));
  const before = await time();
  const replies = await race(16, () => life.console.post(path, body));
  const good = replies.filter(({ status }) => status === 200);
  for (const reply of replies) if (reply.status !== 200) expect(reply).problem('busy', 503);
  expect(good.reduce((sum, { body: { given } }) => sum + given, 0)).is(3);
  expect(await life.console.post(path, body))
    .status(200)
    .body({ given: 0, already: 3, nothing_to_add: 0, others: 4, remaining: 0 });
  const more = (await time()).map((now, i) => (now - before[i]) / 86_400e6);
  expect(more).is([3, 0, 3, 0, 3, 0, 0]);
  const spans = await life.sql`
    SELECT member_id, plan_id, product_id FROM entitlement
    WHERE community_id = ${c} AND source = 'compensation' ORDER BY member_id`;
  const plans = { [ann.person.id]: gold, [both.person.id]: gold, [year.person.id]: yearly };
  for (const { member_id: id, plan_id: plan, product_id: product } of spans) {
    expect([plan, product]).is([plans[id].id, gold.product_id]);
  }
  // Of another product afterwards: who has days for this lecture already gets none again.
  const other = { ...why, product_id: silver.product_id };
  for (const counts of [{ given: 1, already: 3 }, { given: 0, already: 4 }]) {
    expect(await life.console.post(path, other)).status(200).body({ ...counts, others: 3 });
  }
  expect((await time()).map((now, i) => (now - before[i]) / 86_400e6)).is([3, 3, 3, 0, 3, 0, 0]);
  const query = { action: 'lecture.compensate' };
  const audit = await life.console.get('/v1/audit-log', { query });
  expect(audit.body.data[0].after).matches({ product_id: silver.product_id, days: 3, given: 1 });
});
