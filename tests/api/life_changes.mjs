// Pausing, giving notice, coming back: by members and by operators, told beforehand by a preview,
// and no second of what was paid for is lost.
import { expect, patiently, race, story, uuid7 } from './lib/story.mjs';
import { alike, inDays, Life } from './lib/life.mjs';

/** Previews a change and makes it: what was told is what comes. */
async function change({ me, path }, wish, body = {}) {
  const preview = await me.post(`${path}/preview`, { wish, ...body });
  expect(preview).status(200).body({ preview: true });
  const made =
    wish === 'change' ? await me.patch(path, body) : await me.post(`${path}/${wish}`, send(wish, body));
  expect(made).status(200).body({ preview: false });
  alike(preview.body, made.body);
  return made.body;
}
const send = (wish, body) => (['return', 'resume'].includes(wish) ? undefined : body);

story('A pause puts what is left aside, and coming back early takes it up again', async (stage) => {
  const life = await Life.open(stage);
  const ann = await life.joined(await life.plan());
  const { person, me, now, path } = ann;
  await life.pass(person, '10 days');
  const whole = await life.time(person);
  const before = await now();
  const until = inDays(60);
  const paused = await change(ann, 'pause', { resume_at: until });
  expect(paused.after).matches({
    status: 'paused',
    until,
    resume_at: until,
    banked_days: (days) => days >= 17 && days <= 20,
    spans: [{ source: 'carried', starts_at: until }],
  });
  const left = Date.parse(before.ends_at) - Date.parse(paused.after.paused_at);
  expect(Math.abs(paused.after.banked_seconds - left / 1000)).atMost(0.51);
  expect(Date.parse(paused.after.ends_at) - Date.parse(until)).atLeast(left - 1).atMost(left + 1);
  expect(await life.time(person)).is(whole);
  expect((await me.get('/v1/me/membership')).body).matches({ active: false, status: 'paused' });
  expect(await me.post(`${path}/pause`, { resume_at: until })).problem('state_forbids', 409);

  const explain = (at) =>
    life.console.get(`/v1/members/${person.id}/access`, at && { query: { at } });
  expect(await explain()).body({
    allowed: false,
    because: 'paused',
    until,
    entitlement: { source: 'carried', carried_from: before.spans[0].id },
  });
  expect(await explain(inDays(61))).body({ allowed: true, because: 'entitled' });

  await life.pass(person, '20 days');
  const back = await change(ann, 'resume');
  expect(back.after).matches({ status: 'active', paused_at: null, banked_days: 0 });
  expect(await life.time(person)).is(whole);
  expect(await me.post(`${path}/resume`)).problem('state_forbids', 409);
  // The pause that was is still told of.
  expect(await explain(inDays(-10))).body({ allowed: false, because: 'paused' });
  expect(await life.topics(person, 'membership.')).is(['membership.paused', 'membership.resumed']);
  const [{ was }] = await life.sql`
    SELECT status AS was FROM membership_status(${life.community.id}, ${person.id},
      ${before.product_id}, now() - interval '10 days')`;
  expect(was).is('paused');
});

story('A pause has bounds, and ends by itself', async (stage) => {
  const life = await Life.open(stage);
  const ann = await life.joined(await life.plan());
  const { person, me, path } = ann;
  const pause = (resume) => me.post(`${path}/pause`, { resume_at: resume });
  expect(await pause(inDays(-1))).fault('/resume_at', 'too_early');
  expect(await pause(inDays(181))).fault('/resume_at', 'too_late');
  const preview = (body) => me.post(`${path}/preview`, body);
  expect(await preview({ wish: 'pause' })).fault('/resume_at', 'required');
  expect(await preview({ wish: 'cancel', auto_renew: true })).fault('/auto_renew', 'superfluous');
  expect(await preview({ wish: 'resume', now: true })).fault('/now', 'superfluous');
  const owner = stage.api.as(await stage.people.owner());
  expect(await owner.patch('/v1/selling-policy', { pause_days: 0 })).status(200);
  expect(await pause(inDays(1))).problem('state_forbids', 409);
  expect(await owner.patch('/v1/selling-policy', { pause_days: 30 })).status(200);
  const whole = await life.time(person);
  expect(await pause(inDays(29))).status(200);
  await life.pass(person, '30 days');
  expect(await ann.now()).matches({ status: 'active', paused_at: null, resume_at: null });
  expect(await life.time(person)).is(whole);
  // And again, out of what is left of what was left.
  expect(await pause(inDays(3))).status(200);
  expect(await life.time(person)).is(whole);
  const trial = await life.joined(await life.plan({ trial_days: 9 }));
  expect(await trial.me.post(`${trial.path}/pause`, { resume_at: inDays(2) })).problem(
    'state_forbids',
    409,
  );
});

story('A pause takes a waiting renewal along, and what comes meanwhile lies behind', async (
  stage,
) => {
  const life = await Life.open(stage);
  const plan = await life.plan();
  const ann = await life.joined(plan);
  await life.pass(ann.person, '25 days');
  await life.walk();
  const { renewal } = await ann.now();
  const paused = await change(ann, 'pause', { resume_at: inDays(30) });
  expect(paused.after.renewal).matches({
    order_id: renewal.order_id,
    due_at: paused.after.ends_at,
    total_minor: 3000,
  });
  const before = await life.time(ann.person);
  expect(await life.pay(renewal)).matches({ outcome: 'counted', settled: true });
  const code = await life.shop.code({ plan, days: 10 });
  expect(await ann.me.post('/v1/redemptions', { code: code.code })).status(201);
  const { spans } = await ann.now();
  expect(spans.map(({ source }) => source)).is(['carried', 'order', 'code']);
  for (let i = 1; i < 3; i++) expect(spans[i].starts_at).is(spans[i - 1].ends_at);
  const with_ = await life.time(ann.person);
  const back = await change(ann, 'resume');
  expect(back.after.spans.length).is(3);
  expect(await life.time(ann.person)).is(with_);
  expect(with_ - before).atLeast((10 + 28) * 86_400e6).atMost((10 + 31) * 86_400e6);
});

story('Notice is one step, runs to the end of the period, and can be taken back', async (stage) => {
  const life = await Life.open(stage);
  const ann = await life.joined(await life.plan());
  const { person, me, path } = ann;
  await life.pass(person, '20 days');
  await life.walk();
  const whole = await life.time(person);
  expect((await ann.now()).renewal).matches({ total_minor: 3000 });
  const cancelled = await change(ann, 'cancel', { reason: 'I am moving' });
  expect(cancelled.after).matches({
    status: 'cancelled_at_period_end',
    auto_renew: false,
    renewal: null,
    ends_at: cancelled.before.ends_at,
  });
  expect(await me.post(`${path}/cancel`, {})).problem('state_forbids', 409);
  const back = await change(ann, 'return');
  expect(back.after).matches({ status: 'active', auto_renew: true });
  expect(back.after.renewal).matches({ total_minor: 3000, due_at: back.after.ends_at });
  expect(await me.post(`${path}/return`)).problem('state_forbids', 409);
  const off = await change(ann, 'change', { auto_renew: false });
  expect(off.after).matches({ status: 'active', auto_renew: false, renewal: null });
  expect(await change(ann, 'return')).matches({ after: { auto_renew: true } });
  expect(await life.time(person)).is(whole);
  await change(ann, 'cancel');
  await life.pass(person, '12 days');
  expect(await me.post(`${path}/preview`, { wish: 'return' })).problem('too_late', 409);
  expect(await me.post(`${path}/return`)).problem('too_late', 409);
  await life.walk();
  for (const wish of ['cancel', 'pause', 'resume', 'return']) {
    const body = { pause: { resume_at: inDays(1) }, cancel: {} }[wish];
    expect(await me.post(`${path}/${wish}`, body)).problem('state_forbids', 409);
  }
  expect(await me.patch(path, { auto_renew: true })).problem('state_forbids', 409);
  expect(await me.post(`${path}/preview`, { wish: 'cancel' })).problem('state_forbids', 409);
});

story('Cancelled at once, access ends at once, without a refund', async (stage) => {
  const life = await Life.open(stage);
  const plan = await life.plan({ grace_days: 7 });
  const ann = await life.joined(plan);
  const { person, me } = ann;
  await life.pass(person, '10 days');
  const code = await life.shop.code({ plan, days: 30 });
  expect(await me.post('/v1/redemptions', { code: code.code })).status(201);
  const gone = await change(ann, 'cancel', { now: true, reason: 'Enough' });
  expect(gone.before.spans.length).is(2);
  expect(gone.after).matches({ status: 'expired', spans: [], ended_at: /Z$/, auto_renew: false });
  expect((await me.get('/v1/me/membership')).body).matches({ active: false, status: 'expired' });
  const days = Number(await life.time(person)) / 86_400e6;
  expect(days).atLeast(10).atMost(10.01);
  const access = await life.console.get(`/v1/members/${person.id}/access`);
  expect(access).body({
    allowed: false,
    because: 'voided',
    entitlement: { void_reason: 'cancelled', carried_from: gone.before.spans[0].id },
  });
  await life.walk();
  const topics = await life.topics(person, 'membership.');
  expect(topics.sort()).is(['membership.cancelled', 'membership.ended']);
  const [{ refunds }] = await life.sql`SELECT count(*)::int AS refunds FROM refund_request`;
  expect(refunds).is(0);
  // Who comes back begins anew, as a new membership.
  await life.pay(await life.order(person, plan));
  const { data } = (await me.get('/v1/me/memberships')).body;
  expect(data.map(({ status }) => status).sort()).is(['active', 'active']);
  expect(data.map(({ ended_at: ended }) => ended !== null).sort()).is([false, true]);
});

story('Another plan from the next period on; If-Match keeps two from changing it at once', async (
  stage,
) => {
  const life = await Life.open(stage);
  const product = await life.shop.product();
  const plan = await life.plan({ product });
  const less = await life.plan({ product, price_minor: 1000 });
  const once = await life.plan({ product, renews: false });
  const foreign = await life.plan();
  const dollars = await life.plan({ product, currency: 'USD' });
  const ann = await life.joined(plan);
  const { me, path } = ann;
  const wanted = (id) => me.patch(path, { next_plan_id: id });
  for (const other of [once, foreign, { id: uuid7() }]) {
    expect(await wanted(other.id)).problem('body_invalid', 422).fault('/next_plan_id', 'unknown');
  }
  expect(await wanted(dollars.id)).fault('/next_plan_id', 'differs');
  await life.pass(ann.person, '25 days');
  await life.walk();
  const chosen = await change(ann, 'change', { next_plan_id: less.id });
  expect(chosen.before.renewal).matches({ plan_id: plan.id, total_minor: 3000 });
  expect(chosen.after).matches({ next_plan_id: less.id, plan_id: plan.id });
  expect(chosen.after.renewal).matches({ plan_id: less.id, total_minor: 1000 });
  const shown = await me.get(path);
  const tagged = me.with({ 'If-Match': shown.header('ETag') });
  expect(await tagged.patch(path, { next_plan_id: null })).status(200);
  expect(await tagged.patch(path, { next_plan_id: less.id })).problem('version_changed', 412);
  expect((await ann.now()).renewal).matches({ plan_id: plan.id, total_minor: 3000 });
  // The order that was replaced buys nothing any more.
  expect(await life.pay(chosen.after.renewal)).matches({ outcome: 'surplus' });
});

story('Operators do the same for a member, with a reason, and reach nobody else’s', async (
  stage,
) => {
  const life = await Life.open(stage);
  const ann = await life.joined(await life.plan());
  const { console } = life;
  const why = { reason: 'Asked by phone' };
  const { theirs } = ann;
  const all = await console.get(`/v1/members/${ann.person.id}/memberships`);
  expect(all).status(200).body({ data: [{ id: ann.membership.id, status: 'active' }] });
  expect(await console.get(theirs)).status(200).body({ id: ann.membership.id });
  const until = inDays(5);
  expect(await console.post(`${theirs}/pause`, { resume_at: until })).fault('/reason', 'required');
  const seen = await console.post(`${theirs}/preview`, { wish: 'pause', resume_at: until });
  expect(seen).status(200);
  const pause = await console.post(`${theirs}/pause`, { resume_at: until, ...why });
  alike(seen.body, pause.body);
  expect(await console.post(`${theirs}/resume`, why)).status(200);
  expect(await console.post(`${theirs}/resume`, why)).problem('state_forbids', 409);
  expect(await console.post(`${theirs}/cancel`, why)).status(200);
  expect(await console.post(`${theirs}/cancel`, why)).problem('state_forbids', 409);
  expect(await console.post(`${theirs}/return`, why)).status(200);
  expect(await console.post(`${theirs}/return`, why)).problem('state_forbids', 409);
  expect(await console.patch(theirs, { auto_renew: false })).fault('/reason', 'required');
  const shown = await console.get(theirs);
  const tagged = console.with({ 'If-Match': shown.header('ETag') });
  expect(await tagged.patch(theirs, { auto_renew: false, ...why })).status(200);
  expect(await tagged.patch(theirs, { auto_renew: true, ...why })).problem('version_changed', 412);
  const audit = await console.get('/v1/audit-log', { query: { target_id: ann.membership.id } });
  expect(audit.body.data.map(({ action }) => action)).is([
    'membership.change',
    'membership.return',
    'membership.cancel',
    'membership.resume',
    'membership.pause',
  ]);
  expect(audit.body.data[4]).matches({ actor_id: life.operator.id, ...why });
  expect(await console.post(`${theirs}/preview`, { wish: 'resume' })).problem('state_forbids', 409);
  await life.pass(ann.person, '40 days');
  expect(await console.post(`${theirs}/return`, why)).problem('too_late', 409);
  expect(await console.post(`${theirs}/preview`, { wish: 'return' })).problem('too_late', 409);
  expect(await console.post(`${theirs}/pause`, { resume_at: until, ...why })).problem(
    'state_forbids',
    409,
  );
  await life.walk();
  expect(await console.patch(theirs, { auto_renew: true, ...why })).problem('state_forbids', 409);

  const eve = stage.api.as(await stage.people.in(await stage.another()).operator());
  const bob = await life.joined(await life.plan());
  const elsewhere = ann.theirs.replace(ann.person.id, bob.person.id);
  for (const [who, path] of [[eve, ann.theirs], [console, elsewhere], [bob.me, ann.path]]) {
    const more = who === bob.me ? {} : why;
    expect(await who.get(path)).problem('not_found', 404);
    expect(await who.patch(path, { auto_renew: false, ...more })).problem('not_found', 404);
    expect(await who.post(`${path}/preview`, { wish: 'cancel' })).problem('not_found', 404);
    expect(await who.post(`${path}/cancel`, more)).problem('not_found', 404);
    expect(await who.post(`${path}/pause`, { resume_at: until, ...more })).problem('not_found');
    const body = who === bob.me ? undefined : why;
    expect(await who.post(`${path}/return`, body)).problem('not_found', 404);
    expect(await who.post(`${path}/resume`, body)).problem('not_found', 404);
  }
  expect(await eve.get(`/v1/members/${ann.person.id}/memberships`)).problem('not_found', 404);
});

story('A change that is asked for twice under one key is made once', async (stage) => {
  const life = await Life.open(stage);
  const ann = await life.joined(await life.plan());
  const keyed = ann.me.with({ 'Idempotency-Key': 'pause-1' });
  const whole = await life.time(ann.person);
  const body = { resume_at: inDays(9) };
  const replies = await race(8, () => patiently(() => keyed.post(`${ann.path}/pause`, body)));
  for (const reply of replies) {
    if (reply.status !== 200) expect(reply).problem('idempotency_in_flight', 409);
  }
  expect(await keyed.post(`${ann.path}/pause`, body))
    .status(200)
    .header('Idempotent-Replayed', 'true');
  expect(await life.time(ann.person)).is(whole);
  expect((await ann.now()).spans.length).is(1);
});

story('Who comes back after a while pays less, as the policy says', async (stage) => {
  const life = await Life.open(stage);
  const owner = stage.api.as(await stage.people.owner());
  const policy = { winback_percent: 20, winback_days: 40 };
  expect(await owner.patch('/v1/selling-policy', policy)).status(200).body(policy);
  const plan = await life.plan();
  const ann = await life.joined(plan);
  expect(await ann.me.post(`${ann.path}/cancel`, { now: true })).status(200);
  const price = async () => (await life.order(ann.person, plan)).total_minor;
  expect(await price()).is(3000);
  await life.pass(ann.person, '39 days');
  expect(await price()).is(3000);
  await life.pass(ann.person, '2 days');
  const back = await life.order(ann.person, plan);
  expect(back).matches({ discount_minor: 600, total_minor: 2400 });
  await life.pay(back);
  await life.pass(ann.person, '20 days');
  await life.walk();
  expect(await life.renewal(ann.person)).matches({ total_minor: 3000 });
});
