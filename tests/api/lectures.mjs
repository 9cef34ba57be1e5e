import { setTimeout as sleep } from 'node:timers/promises';
import { School, wall } from './lib/school.mjs';
import { eventually, expect, story } from './lib/story.mjs';

const draft = (more) => ({
  title: { en: 'On walking', 'zh-CN': '谈散步' },
  local_start: wall(24 * 60),
  time_zone: 'UTC',
  minutes: 90,
  ...more,
});

story('An operator drafts, publishes, moves and cancels a lecture', async (stage) => {
  const { api, community, sql } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const member = api.as(await school.entitled());

  const made = await operator.post('/v1/lectures', draft({ room_url: 'https://meet.test/1' }));
  expect(made)
    .status(201)
    .header('Location', `/v1/lectures/${made.id}`)
    .body({ status: 'draft', sequence: 0, time_zone: 'UTC', title: { 'zh-CN': '谈散步' } });
  const path = `/v1/lectures/${made.id}`;
  expect(await member.get(path)).problem('not_found', 404);
  expect(await member.get('/v1/lectures')).status(200).body({ data: [] });
  expect(await operator.get('/v1/lectures', { query: { status: 'draft' } }))
    .status(200)
    .body({ data: [{ id: made.id }] });

  expect(await operator.post(`${path}/publish`)).status(200).body({ status: 'scheduled' });
  expect(await operator.post(`${path}/publish`)).status(200).body({ sequence: 0 });
  expect(await member.get(path)).status(200).body({ room_url: 'https://meet.test/1' });
  const outsider = api.as(await school.person('member'));
  expect(await outsider.get(path)).status(200).body({ room_url: null });
  expect(await api.get(`${community.path}/lectures`))
    .status(200)
    .body({ data: [{ id: made.id, status: 'scheduled' }] });

  const moved = await operator.patch(path, { local_start: wall(48 * 60), title: { en: 'Walks' } });
  expect(moved)
    .status(200)
    .body({ sequence: 1, title: { en: 'Walks', 'zh-CN': '谈散步' } });
  expect(await api.get(`${community.path}/lectures`))
    .status(200)
    .body({ data: [{ title: { en: 'Walks' } }] });
  expect(await operator.patch(path, { room_url: null, capacity: 40 }))
    .status(200)
    .body({ room_url: null, capacity: 40, sequence: 2 });

  const gone = await operator.post(`${path}/cancel`, { reason: 'The hall is flooded' });
  expect(gone).status(200).body({ status: 'cancelled', cancel_reason: 'The hall is flooded' });
  expect(await operator.post(`${path}/cancel`, { reason: 'Again' }))
    .status(200)
    .body({ cancel_reason: 'The hall is flooded', sequence: 3 });
  expect(await api.get(`${community.path}/lectures`))
    .status(200)
    .body({ data: [{ status: 'cancelled' }] });
  expect(await operator.patch(path, { minutes: 60 })).problem('state_forbids', 409);
  expect(await operator.post(`${path}/publish`)).problem('state_forbids', 409);

  const log = await sql`
    SELECT action FROM audit_log WHERE target_id = ${made.id} ORDER BY at, id`;
  expect(log.map((row) => row.action)).is([
    'lecture.create',
    'lecture.publish',
    'lecture.change',
    'lecture.change',
    'lecture.cancel',
  ]);
});

story('Bodies that make no sense are refused field by field', async (stage) => {
  const { api } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const nobody = '01900000-0000-7000-8000-00000000dead';
  const all = await operator.post('/v1/lectures', { minutes: 0, colour: 'red', title: {} });
  expect(all)
    .problem('body_invalid', 422)
    .fault('/minutes', 'out_of_range')
    .fault('/colour', 'unknown')
    .fault('/title')
    .fault('/local_start', 'required')
    .fault('/time_zone', 'required');
  const cases = {
    '/time_zone': { time_zone: 'Asia/Nowhere' },
    '/lecturer_id': { lecturer_id: nobody },
    '/venue_id': { venue_id: nobody },
    '/cohort_id': { audience: 'cohort' },
    '/local_start': { local_start: '2026-02-30T10:00' },
  };
  for (const [pointer, more] of Object.entries(cases)) {
    expect(await operator.post('/v1/lectures', draft(more)))
      .problem('body_invalid', 422)
      .fault(pointer);
  }
  for (const zone of ['EST', 'UTC+8', 'asia/shanghai', "'; DROP TABLE lecture; --"]) {
    expect(await operator.post('/v1/lectures', draft({ time_zone: zone })))
      .problem('body_invalid', 422)
      .fault('/time_zone');
  }
  const { id } = await operator.post('/v1/lectures', draft());
  for (const [pointer, more] of Object.entries(cases)) {
    expect(await operator.patch(`/v1/lectures/${id}`, more))
      .problem('body_invalid', 422)
      .fault(pointer);
  }
  expect(await operator.patch(`/v1/lectures/${id}`, { title: null }))
    .problem('body_invalid', 422)
    .fault('/title');
  expect(await operator.post(`/v1/lectures/${id}/cancel`, {}))
    .problem('body_invalid', 422)
    .fault('/reason', 'required');
});

story('Lecturers run their own lectures, and members none', async (stage) => {
  const { api } = stage;
  const school = new School(stage);
  const [ann, bob] = [await school.person('lecturer'), await school.person('lecturer')];
  const [hers, his] = [api.as(ann), api.as(bob)];
  const member = api.as(await school.entitled());
  expect(await member.post('/v1/lectures', draft())).problem('not_allowed', 403);

  const made = await hers.post('/v1/lectures', draft());
  const path = `/v1/lectures/${made.id}`;
  expect(made).status(201).body({ lecturer: { id: ann.lecturer } });
  expect(await hers.post('/v1/lectures', draft({ lecturer_id: bob.lecturer }))).problem(
    'not_allowed',
    403,
  );
  expect(await his.get(path)).problem('not_found', 404);
  for (const [verb, at, body] of [
    ['patch', path, { minutes: 30 }],
    ['post', `${path}/publish`],
    ['post', `${path}/cancel`, { reason: 'No' }],
  ]) {
    expect(await his[verb](at, body)).problem('not_found', 404);
    expect(await member[verb](at, body)).problem('not_allowed', 403);
  }
  expect(await hers.post(`${path}/publish`)).status(200);
  expect(await his.get(path)).status(200);
  expect(await his.patch(path, { minutes: 30 })).problem('not_allowed', 403);
  expect(await his.post(`${path}/cancel`, { reason: 'No' })).problem('not_allowed', 403);
  expect(await hers.patch(path, { lecturer_id: bob.lecturer })).problem('not_allowed', 403);
  expect(await hers.patch(path, { override_reason: 'I may' })).problem('not_allowed', 403);
  expect(await hers.patch(path, { minutes: 30 })).status(200).body({ minutes: 30 });

  const stranger = await school.person('lecturer');
  await stage.sql`UPDATE lecturer SET member_id = NULL WHERE id = ${stranger.lecturer}`;
  expect(await api.as(stranger).post('/v1/lectures', draft())).problem('not_allowed', 403);
});

story('Another community has no lecture of ours', async (stage) => {
  const { api, people, another, sql, forge } = stage;
  const school = new School(stage);
  const id = await school.lecture(60, { audience: 'public' });
  const elsewhere = await another();
  const there = new School({ sql, forge, people: people.in(elsewhere), community: elsewhere });
  const operator = api.as(await there.person('operator'));
  const path = `/v1/lectures/${id}`;
  expect(await api.as(await school.entitled()).get(path)).status(200);
  expect(await operator.get(path)).problem('not_found', 404);
  expect(await operator.patch(path, { minutes: 5 })).problem('not_found', 404);
  expect(await operator.post(`${path}/publish`)).problem('not_found', 404);
  expect(await operator.post(`${path}/cancel`, { reason: 'Theirs' })).problem('not_found', 404);
  expect(await operator.get('/v1/lectures/not-a-uuid')).problem('not_found', 404);
  expect(await api.get(`${elsewhere.path}/lectures`)).status(200).body({ data: [] });
  expect(await api.get('/v1/communities/no-such-place/lectures')).problem('not_found', 404);
});

story('Neither a lecturer nor a hall is double-booked; the refusal names why', async (stage) => {
  const { api, sql } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const ann = await school.person('lecturer');
  const hall = await operator.post('/v1/venues', {
    name: { en: 'The hall' },
    time_zone: 'Asia/Shanghai',
    seats: 80,
  });
  const start = wall(3000);
  const first = await operator.post(
    '/v1/lectures',
    draft({ local_start: start, lecturer_id: ann.lecturer, venue_id: hall.id }),
  );
  expect(await operator.post(`/v1/lectures/${first.id}/publish`)).status(200);

  const sameLecturer = await operator.post(
    '/v1/lectures',
    draft({ local_start: start, lecturer_id: ann.lecturer }),
  );
  const refused = await operator.post(`/v1/lectures/${sameLecturer.id}/publish`);
  expect(refused).problem('lecturer_busy', 409).fault('/lecturer_id', 'busy');
  expect(refused.body.detail.includes(first.id)).isTrue('the detail names the lecture');
  expect(refused.body.detail.includes('On walking')).isTrue('and its title');

  const sameHall = await operator.post(
    '/v1/lectures',
    draft({ local_start: start, venue_id: hall.id }),
  );
  const chinese = operator.with({ 'Accept-Language': 'zh' });
  const full = await chinese.post(`/v1/lectures/${sameHall.id}/publish`);
  expect(full).problem('venue_busy', 409).fault('/venue_id', 'busy');
  expect(full.body.detail.includes('谈散步')).isTrue('in the reader’s language');

  const path = `/v1/lectures/${sameLecturer.id}`;
  expect(await operator.patch(path, { local_start: wall(6000) })).status(200);
  expect(await operator.post(`${path}/publish`)).status(200);
  expect(await operator.patch(path, { local_start: start })).problem('lecturer_busy', 409);
  expect(await operator.patch(path, { minutes: 1440, local_start: wall(2900) })).problem(
    'lecturer_busy',
    409,
  );
  const let_in = { local_start: start, override_reason: 'They hold it together' };
  expect(await operator.patch(path, let_in)).status(200);
  const [row] = await sql`
    SELECT override_reason, override_by IS NOT NULL AS who FROM lecture
    WHERE id = ${sameLecturer.id}`;
  expect(row).is({ override_reason: 'They hold it together', who: true });
  expect(await operator.patch(path, { override_reason: null })).problem('lecturer_busy', 409);
  expect(await operator.patch(path, { venue_id: hall.id })).problem('lecturer_busy', 409);

  const moved = await operator.patch(`/v1/lectures/${sameHall.id}`, { venue_id: null });
  expect(moved).status(200);
  expect(await operator.post(`/v1/lectures/${sameHall.id}/publish`)).status(200);
  expect(await operator.patch(`/v1/lectures/${sameHall.id}`, { venue_id: hall.id })).problem(
    'venue_busy',
    409,
  );
});

story('Of many who book one lecturer at once, one succeeds and all are told', async (stage) => {
  const { api, start } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const other = operator.on(await start());
  const ann = await school.person('lecturer');
  const body = draft({ lecturer_id: ann.lecturer });
  const drafts = [];
  for (let i = 0; i < 12; i++) drafts.push((await operator.post('/v1/lectures', body)).id);
  const replies = await Promise.all(
    drafts.map((id, i) => (i % 2 ? other : operator).post(`/v1/lectures/${id}/publish`)),
  );
  const good = replies.filter((reply) => reply.status === 200);
  expect(good.length).is(1);
  for (const reply of replies) {
    if (reply.status === 200 || reply.body.code === 'busy') continue;
    expect(reply).problem('lecturer_busy', 409).fault('/lecturer_id', 'busy');
    expect(reply.body.detail.includes(good[0].id)).isTrue('the loser learns of the winner');
  }
});

story('If-Match keeps one operator from writing over another', async (stage) => {
  const { api } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const { id } = await operator.post('/v1/lectures', draft());
  const path = `/v1/lectures/${id}`;
  const read = await operator.get(path);
  const etag = read.header('etag');
  expect(await operator.get(path, { headers: { 'If-None-Match': etag } })).status(304);
  const conditional = (body) => operator.patch(path, body, { headers: { 'If-Match': etag } });
  expect(await conditional({ minutes: 45 })).status(200);
  expect(await conditional({ minutes: 50 })).problem('version_changed', 412);
  expect(
    await operator.post(`${path}/publish`, undefined, { headers: { 'If-Match': etag } }),
  ).problem('version_changed', 412);
  const now = (await operator.get(path)).header('etag');
  const racing = await Promise.all(
    [1, 2, 3, 4, 5, 6].map((minutes) =>
      operator.patch(path, { minutes }, { headers: { 'If-Match': now } }),
    ),
  );
  expect(racing.filter((reply) => reply.status === 200).length).is(1);
  for (const reply of racing) {
    if (reply.status !== 200) expect(reply.body.code).matches(/^(version_changed|busy)$/);
  }
});

story('A wall clock’s time becomes the right instant, in fold and gap', async (stage) => {
  const { api } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const cases = [
    ['2030-11-03T01:30', 'America/New_York', '2030-11-03T05:30:00.000Z', '2030-11-03T01:30'],
    ['2030-03-10T02:30', 'America/New_York', '2030-03-10T07:30:00.000Z', '2030-03-10T03:30'],
    ['2030-03-10T03:30', 'America/New_York', '2030-03-10T07:30:00.000Z', '2030-03-10T03:30'],
    ['2030-10-27T02:30', 'Europe/Berlin', '2030-10-27T00:30:00.000Z', '2030-10-27T02:30'],
    ['2030-07-01T19:00', 'Asia/Shanghai', '2030-07-01T11:00:00.000Z', '2030-07-01T19:00'],
    ['2030-04-07T01:45', 'Australia/Lord_Howe', '2030-04-06T14:45:00.000Z', '2030-04-07T01:45'],
  ];
  for (const [local_start, time_zone, start_at, shown] of cases) {
    const made = await operator.post('/v1/lectures', draft({ local_start, time_zone }));
    expect(made).status(201).body({ start_at, local_start: shown, time_zone });
  }
  const long = await operator.post(
    '/v1/lectures',
    draft({ local_start: '2030-11-03T00:30', time_zone: 'America/New_York', minutes: 120 }),
  );
  expect(long).body({ end_at: '2030-11-03T06:30:00.000Z' });
});

story('What has begun is not moved, and what has ended is not changed', async (stage) => {
  const { api } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const on = `/v1/lectures/${await school.lecture(-10)}`;
  const over = `/v1/lectures/${await school.lecture(-100)}`;
  expect(await operator.patch(on, { local_start: wall(60) })).problem('too_late', 409);
  expect(await operator.patch(on, { minutes: 80 })).status(200).body({ minutes: 80 });
  expect(await operator.get(over)).status(200).body({ status: 'ended' });
  expect(await operator.patch(over, { minutes: 80 })).problem('too_late', 409);
  expect(await operator.patch(over, { summary: { en: 'Recorded' } })).status(200);
  expect(await operator.patch(over, { summary: null })).status(200).body({ summary: null });
  expect(await operator.post(`${over}/cancel`, { reason: 'Late' })).problem('too_late', 409);
  const past = await operator.post('/v1/lectures', draft({ local_start: wall(-600) }));
  expect(await operator.post(`/v1/lectures/${past.id}/publish`)).problem('too_late', 409);
  const soon = `/v1/lectures/${await school.lecture(600)}`;
  expect(await operator.patch(soon, { local_start: wall(-600) })).problem('too_late', 409);
});

story('The schedule pages by start, filters, and forgets what is over', async (stage) => {
  const { api, community, sql } = stage;
  const school = new School(stage);
  const member = api.as(await school.entitled());
  const ids = [];
  for (let i = 0; i < 7; i++) ids.push(await school.lecture(60 * (i + 1), { title: `T${i}` }));
  await school.lecture(-600);
  await sql`UPDATE lecture SET kind = 'meetup' WHERE id = ${ids[2]}`;
  for (const [who, path] of [
    [api, `${community.path}/lectures`],
    [member, '/v1/lectures'],
  ]) {
    const seen = [];
    let page = await who.get(path, { query: { limit: 3 } });
    expect(page).status(200).header('Link', /rel="next"/);
    for (;;) {
      seen.push(...page.body.data.map((one) => one.id));
      if (!page.body.has_more) break;
      page = await who.get(path, { query: { limit: 3, cursor: page.body.next_cursor } });
    }
    expect(seen).is(ids);
    expect(await who.get(path, { query: { kind: 'meetup' } })).body({ data: [{ id: ids[2] }] });
    const to = new Date(Date.now() + 90 * 60_000).toISOString();
    expect(await who.get(path, { query: { to } })).body({ data: [{ id: ids[0] }] });
    const from = new Date(Date.now() - 24 * 3_600_000).toISOString();
    const all = await who.get(path, { query: { from } });
    expect(all.body.data.length).is(8);
    expect(all.body.data[0].status).is('ended');
    expect(await who.get(path, { query: { from: 'yesterday' } })).problem('query_invalid', 400);
    expect(await who.get(path, { query: { colour: 'red' } })).problem('query_invalid', 400);
    expect(await who.get(path, { query: { cursor: 'AAAA' } })).problem('cursor_invalid', 400);
  }
});

story('A course’s lectures are for who is enrolled', async (stage) => {
  const { api, community } = stage;
  const school = new School(stage);
  const [inside, outside] = [await school.entitled(), await school.entitled()];
  const cohort = await school.cohort(inside);
  const id = await school.lecture(60, { audience: 'cohort', cohort });
  expect(await api.get(`${community.path}/lectures`)).body({ data: [] });
  expect(await api.as(inside).get('/v1/lectures')).body({ data: [{ id }] });
  expect(await api.as(inside).get(`/v1/lectures/${id}`)).status(200);
  expect(await api.as(outside).get('/v1/lectures')).body({ data: [] });
  expect(await api.as(outside).get(`/v1/lectures/${id}`)).problem('not_found', 404);
});

story('The public schedule is never stale, nor its status', async (stage) => {
  const { api, community, sql, start } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const member = api.as(await school.entitled());
  const id = await school.lecture(60);
  const path = `${community.path}/lectures`;
  for (let i = 1; i <= 60; i++) {
    expect(await operator.patch(`/v1/lectures/${id}`, { minutes: i })).status(200);
    expect(await api.get(path)).body({ data: [{ minutes: i }] });
    expect(await member.get(`/v1/lectures/${id}`)).body({ minutes: i });
    expect(await member.get(`/v1/lectures/${id}`)).body({ minutes: i, status: 'scheduled' });
  }
  const other = api.on(await start());
  expect(await other.get(path)).body({ data: [{ minutes: 60 }] });
  expect(await operator.patch(`/v1/lectures/${id}`, { minutes: 61 })).status(200);
  let shown;
  for (let i = 0; i < 20 && shown !== 61; i++) {
    shown = (await other.get(path)).body.data[0].minutes;
    if (shown !== 61) await sleep(50);
  }
  expect(shown).is(61);

  const ending = await school.lecture(-10, { minutes: 12 });
  await sql`
    UPDATE lecture SET start_at = now() - interval '705 seconds',
      start_wall = now() AT TIME ZONE 'UTC' WHERE id = ${ending}`;
  await sql`SELECT pg_notify('lyceum', 'public ' || ${community.id}::text)`;
  const shows = async () => (await api.get(path)).body.data.map((one) => one.id).join();
  await eventually(async () => (await shows()) === `${ending},${id}`);
  expect(await member.get(`/v1/lectures/${ending}`)).body({ status: 'scheduled' });
  const over = async () => (await member.get(`/v1/lectures/${ending}`)).body.status === 'ended';
  await eventually(over);
  expect(await shows()).is(id);
});

story('A draft is made once for one Idempotency-Key', async (stage) => {
  const { api, sql, random } = stage;
  const school = new School(stage);
  const operator = api
    .as(await school.person('operator'))
    .with({ 'Idempotency-Key': random() });
  const body = draft();
  const first = await operator.post('/v1/lectures', body);
  expect(first).status(201);
  const again = await operator.post('/v1/lectures', body);
  expect(again).status(201).header('Idempotent-Replayed', 'true').text(first.text);
  expect(await operator.post('/v1/lectures', { ...body, minutes: 5 })).problem(
    'idempotency_mismatch',
    422,
  );
  const [{ count }] = await sql`
    SELECT count(*)::int FROM lecture WHERE community_id = ${stage.community.id}`;
  expect(count).is(1);
});
