import { setTimeout as sleep } from 'node:timers/promises';
import { School } from './lib/school.mjs';
import { expect, patiently, story } from './lib/story.mjs';

const NOBODY = '01900000-0000-7000-8000-00000000dead';

/** The code that the hall shows, as an operator sees it. */
async function codeOf(operator, id) {
  const reply = await operator.get(`/v1/lectures/${id}/check-in-code`);
  expect(reply).status(200).body({ step_seconds: 15 });
  return reply.body.code;
}

function checkIn(who, id, code, device_id = 'phone-1') {
  return who.post(`/v1/lectures/${id}/check-ins`, { code, device_id });
}

story('A member checks in once, however often they ask', async (stage) => {
  const { api, sql } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const ann = await school.entitled();
  const id = await school.lecture(-5);
  const code = await codeOf(operator, id);
  const first = await checkIn(api.as(ann), id, code);
  expect(first).status(201).body({ lecture_id: id, member_id: ann.id, state: 'present' });
  const typed = `${code.slice(0, 4).toLowerCase()}-${code.slice(4)}`;
  const again = await checkIn(api.as(ann), id, typed, 'another-phone');
  expect(again).status(200).body(first.body);
  const many = await Promise.all(
    Array.from({ length: 64 }, () => checkIn(api.as(ann), id, code)),
  );
  for (const reply of many) expect(reply).status(200).body(first.body);
  const marks = await sql`SELECT state, via, version FROM attendance WHERE lecture_id = ${id}`;
  expect(marks).is([{ state: 'present', via: 'code', version: 1 }]);
  const late = await school.lecture(-30);
  expect(await checkIn(api.as(ann), late, await codeOf(operator, late)))
    .status(201)
    .body({ state: 'late' });
});

story('Sixty-four members at once, each twice, over two processes', async (stage) => {
  const { api, sql, start } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const members = [];
  for (let i = 0; i < 64; i++) members.push(await school.entitled());
  const id = await school.lecture(-5);
  const other = await start();
  const code = await codeOf(operator, id);
  const replies = await Promise.all(
    members.flatMap((member, i) => [
      patiently(() => checkIn(api.as(member), id, code, `d-${i}`)),
      patiently(() => checkIn(api.as(member).on(other), id, code, `d-${i}`)),
    ]),
  );
  expect(replies.filter((reply) => reply.status === 201).length).is(64);
  expect(replies.filter((reply) => reply.status === 200).length).is(64);
  const [{ marks }] = await sql`
    SELECT count(*)::int AS marks FROM attendance WHERE lecture_id = ${id} AND version = 1`;
  expect(marks).is(64);
  expect(await operator.get(`/v1/lectures/${id}/attendance/summary`))
    .status(200)
    .body({ present: 64, roster: 0, walk_ins: 64, shared_devices: 0 });
});

story('Who may not check in is told why', async (stage) => {
  const { api, sql } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const ann = await school.entitled();
  const hers = api.as(ann);
  const id = await school.lecture(-5);
  const code = await codeOf(operator, id);

  expect(await checkIn(hers, id, 'WRONG000')).problem('check_in_refused', 422);
  expect(await checkIn(hers, NOBODY, code)).problem('check_in_refused', 422);
  expect(await checkIn(api.as(null), id, code)).problem('not_signed_in', 401);
  expect(await hers.post(`/v1/lectures/${id}/check-ins`, { code })).problem('body_invalid', 422);

  const unpaid = api.as(await school.person('member'));
  expect(await checkIn(unpaid, id, code)).problem('membership_required', 403);
  const lapsed = await school.person('member');
  await school.entitle(lapsed, '-40 days', '-1 hour');
  expect(await checkIn(api.as(lapsed), id, code)).problem('membership_required', 403);
  const open = await school.lecture(-5, { audience: 'public' });
  expect(await checkIn(unpaid, open, await codeOf(operator, open))).status(201);

  const cohort = await school.cohort(ann);
  const course = await school.lecture(-5, { audience: 'cohort', cohort });
  const courseCode = await codeOf(operator, course);
  expect(await checkIn(hers, course, courseCode)).status(201);
  expect(await checkIn(api.as(await school.entitled()), course, courseCode)).problem(
    'not_on_roster',
    409,
  );

  const soon = await school.lecture(50);
  const early = await checkIn(hers, soon, await codeOf(operator, soon));
  expect(early).problem('too_early', 409).header('Retry-After', /^1[12]\d\d$/);
  const wait = new Date(early.body.retry_at) - Date.now();
  expect(Math.round(wait / 60_000)).is(20);
  await sql`UPDATE lecture SET opens_before = 60 WHERE id = ${soon}`;
  expect(await checkIn(hers, soon, await codeOf(operator, soon))).status(201);

  for (const [state, problem, reason] of [
    ['suspended', 'member_suspended', 'noise'],
    ['banned', 'member_banned', 'spam'],
  ]) {
    const bob = await school.entitled();
    await sql`
      UPDATE member SET state = ${state}, state_reason = ${reason}, state_by = ${ann.id}
      WHERE id = ${bob.id}`;
    expect(await checkIn(api.as(bob), id, code)).problem(problem, 403);
  }

  const ending = await school.lecture(-50);
  const endCode = await codeOf(operator, ending);
  const late = await school.entitled();
  expect(await checkIn(hers, ending, endCode)).status(201).body({ state: 'late' });
  await sql`UPDATE lecture SET minutes = 40 WHERE id = ${ending}`;
  expect(await checkIn(api.as(late), ending, endCode)).problem('too_late', 409);
  expect(await checkIn(hers, ending, endCode)).status(200).body({ state: 'late' });

  const gone = await school.lecture(-5);
  const goneCode = await codeOf(operator, gone);
  expect(await operator.post(`/v1/lectures/${gone}/cancel`, { reason: 'Ill' })).status(200);
  expect(await checkIn(hers, gone, goneCode)).problem('state_forbids', 409);
  const hidden = await school.lecture(-5);
  const hiddenCode = await codeOf(operator, hidden);
  await sql`UPDATE lecture SET status = 'draft', published_at = NULL WHERE id = ${hidden}`;
  expect(await checkIn(hers, hidden, hiddenCode)).problem('not_found', 404);
});

story('The code is the lecturer’s own, and another community’s is worth nothing', async (stage) => {
  const { api, another, people, sql, forge } = stage;
  const school = new School(stage);
  const [ann, bob] = [await school.person('lecturer'), await school.person('lecturer')];
  const id = await school.lecture(-5, { lecturer: ann.lecturer });
  const path = `/v1/lectures/${id}`;
  const code = await codeOf(api.as(ann), id);
  const reads = ['check-in-code', 'check-in-code.svg', 'attendance', 'attendance.csv'];
  for (const what of [...reads, 'attendance/summary']) {
    expect(await api.as(bob).get(`${path}/${what}`)).problem('not_allowed', 403);
    expect(await api.as(await school.entitled()).get(`${path}/${what}`)).problem(
      'not_allowed',
      403,
    );
    expect(await api.as(ann).get(`/v1/lectures/${NOBODY}/${what}`)).problem('not_found', 404);
  }
  const mark = { state: 'excused', excuse: 'ill', reason: 'by mail' };
  expect(await api.as(bob).put(`${path}/attendance/${bob.id}`, mark)).problem('not_allowed', 403);

  const picture = await api.as(ann).get(`${path}/check-in-code.svg`);
  expect(picture).status(200).text(/^<svg .*<path .*<\/svg>\n$/s);
  expect(picture.type).is('image/svg+xml');

  const elsewhere = await another();
  const there = new School({ sql, forge, people: people.in(elsewhere), community: elsewhere });
  const eve = await there.entitled();
  expect(await checkIn(api.as(eve), id, code)).problem('check_in_refused', 422);
  const boss = api.as(await there.person('operator'));
  expect(await boss.get(`${path}/check-in-code`)).problem('not_found', 404);
  expect(await boss.get(`${path}/attendance`)).problem('not_found', 404);
  expect(await boss.put(`${path}/attendance/${eve.id}`, mark)).problem('not_found', 404);

  const draft = await school.lecture(60, { lecturer: ann.lecturer, status: 'draft' });
  const over = await school.lecture(-100, { lecturer: ann.lecturer });
  for (const what of ['check-in-code', 'check-in-code.svg']) {
    expect(await api.as(ann).get(`/v1/lectures/${draft}/${what}`)).problem('state_forbids', 409);
    expect(await api.as(bob).get(`/v1/lectures/${draft}/${what}`)).problem('not_found', 404);
    expect(await api.as(ann).get(`/v1/lectures/${over}/${what}`)).problem('too_late', 409);
  }
});

story('Guessing check-in codes is slowed, checking in is not', async (stage) => {
  const { api } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const member = api.as(await school.entitled());
  const id = await school.lecture(-5);
  let limited;
  for (let i = 0; i < 200 && !limited; i++) {
    const reply = await checkIn(member, id, 'AAAAAAAA');
    if (reply.status === 429) limited = reply;
    else expect(reply).problem('check_in_refused', 422);
  }
  expect(limited).problem('rate_limited', 429).header('Retry-After');
  const other = api.as(await school.entitled());
  const reply = await checkIn(other, id, await codeOf(operator, id));
  expect([201, 429].includes(reply.status)).isTrue();
});

story('The roster tells who was to come, who came, and on whose device', async (stage) => {
  const { api, sql } = stage;
  const school = new School(stage);
  const ann = await school.person('lecturer');
  const people = [];
  for (const name of ['Bob', 'Carol', '=HYPERLINK("http://evil")', 'Dan, "the man"', 'Eve'])
    people.push(await school.entitled({ name }));
  const [bob, carol, formula, dan, eve] = people;
  const cohort = await school.cohort(bob, carol, formula, dan);
  const id = await school.lecture(-5, { lecturer: ann.lecturer, cohort, title: '讲座 "A"' });
  const code = await codeOf(api.as(ann), id);
  for (const who of [bob, formula, eve]) {
    const device = who === eve ? 'eves' : 'shared';
    expect(await checkIn(api.as(who), id, code, device)).status(201);
  }
  const path = `/v1/lectures/${id}/attendance`;
  const roster = await api.as(ann).get(path);
  expect(roster).status(200);
  const seen = Object.fromEntries(roster.body.data.map((row) => [row.member_id, row]));
  expect(Object.keys(seen).length).is(5);
  expect(seen[bob.id]).matches({ state: 'present', device_shared: true, on_roster: true });
  expect(seen[formula.id]).matches({ device_shared: true, via: 'code' });
  expect(seen[eve.id]).matches({ on_roster: false, device_shared: false });
  expect(seen[carol.id]).matches({ state: null, on_roster: true });
  expect(await api.as(ann).get(`${path}/summary`)).body({
    roster: 4,
    present: 3,
    unmarked: 2,
    walk_ins: 1,
    shared_devices: 1,
  });

  const paged = [];
  let page = await api.as(ann).get(path, { query: { limit: 2 } });
  for (;;) {
    paged.push(...page.body.data.map((row) => row.member_id));
    if (!page.body.has_more) break;
    page = await api
      .as(ann)
      .get(path, { query: { limit: 2, cursor: page.body.next_cursor } });
  }
  expect(paged).is(roster.body.data.map((row) => row.member_id));

  const csv = await api.as(ann).get(`${path}.csv`, { headers: { 'Accept-Encoding': null } });
  expect(csv).status(200).header('Content-Disposition', /filename\*=UTF-8''%E8%AE%B2/);
  expect(csv.type).is('text/csv');
  expect([...csv.bytes.subarray(0, 3)]).is([0xef, 0xbb, 0xbf]);
  const lines = csv.text.slice(1).split('\r\n');
  expect(lines[0].startsWith('member_id,display_name,state,via,arrived_at')).isTrue();
  expect(lines.length).is(7);
  expect(csv.text.includes(`,"'=HYPERLINK(""http://evil"")",present,`)).isTrue(csv.text);
  expect(csv.text.includes(',"Dan, ""the man""",,')).isTrue(csv.text);
});

story('A person’s mark stands, is explained, and its history kept', async (stage) => {
  const { api, sql } = stage;
  const school = new School(stage);
  const ann = await school.person('lecturer');
  const hers = api.as(ann);
  const [bob, carol] = [await school.entitled(), await school.entitled()];
  const cohort = await school.cohort(bob, carol);
  const about = { lecturer: ann.lecturer, cohort };
  const id = await school.lecture(-20, about);
  const at = (who, lecture = id) => `/v1/lectures/${lecture}/attendance/${who.id}`;
  const put = (who, body, lecture) => hers.put(at(who, lecture), { reason: 'Seen', ...body });

  expect(await put(bob, { state: 'excused' })).problem('body_invalid', 422).fault('/excuse');
  expect(await put(bob, { state: 'excused', excuse: 'Ill' }))
    .status(200)
    .body({ state: 'excused', excuse: 'Ill', via: 'roster', marked_by: ann.id });
  const code = await codeOf(hers, id);
  expect(await checkIn(api.as(bob), id, code)).problem('mark_kept', 409);
  expect(await put(bob, { state: 'late' })).status(200).body({ state: 'late', excuse: null });
  expect(await checkIn(api.as(bob), id, code)).status(200).body({ state: 'late' });
  expect(await put(bob, { state: 'left_early' })).status(200);
  expect(await put(carol, { state: 'absent' })).status(200).body({ arrived_at: null });

  const wrong = {
    '/arrived_at': { state: 'present', arrived_at: new Date(Date.now() + 9e6).toISOString() },
    '/left_at': { state: 'left_early', left_at: new Date(Date.now() - 9e7).toISOString() },
    '/made_up_by': { state: 'made_up', made_up_by: id },
    '/state': { state: 'asleep' },
  };
  for (const [pointer, body] of Object.entries(wrong)) {
    expect(await put(bob, body)).problem('body_invalid', 422).fault(pointer);
  }
  expect(await hers.put(at(bob), { state: 'late' }))
    .problem('body_invalid', 422)
    .fault('/reason', 'required');
  const dan = await school.entitled();
  expect(await put(dan, { state: 'absent' })).problem('not_on_roster', 409);
  expect(await put(dan, { state: 'present' })).status(200);
  expect(await put({ id: NOBODY }, { state: 'present' })).problem('not_found', 404);

  const soon = await school.lecture(120, about);
  expect(await put(bob, { state: 'present' }, soon))
    .problem('too_early', 409)
    .body({ retry_at: /Z$/ });
  expect(await put(bob, { state: 'excused', excuse: 'Away' }, soon)).status(200);
  expect(await hers.post(`/v1/lectures/${soon}/cancel`, { reason: 'Snow' })).status(200);
  expect(await put(bob, { state: 'excused', excuse: 'Away' }, soon)).problem('state_forbids', 409);

  const other = await school.lecture(-400, about);
  expect(await put(carol, { state: 'present' }, other)).status(200);
  expect(await put(carol, { state: 'made_up', made_up_by: other })).status(200);
  const third = await school.lecture(-600, about);
  expect(await put(carol, { state: 'made_up', made_up_by: other }, third))
    .problem('body_invalid', 422)
    .fault('/made_up_by');
  expect(await put(carol, { state: 'absent' }, other)).problem('state_forbids', 409);

  const history = await sql`
    SELECT before_state, after_state FROM attendance_history
    WHERE lecture_id = ${id} AND member_id = ${bob.id} ORDER BY at, id`;
  expect(history).is([
    { before_state: null, after_state: 'excused' },
    { before_state: 'excused', after_state: 'late' },
    { before_state: 'late', after_state: 'left_early' },
  ]);
  const [{ count }] = await sql`
    SELECT count(*)::int FROM audit_log
    WHERE action = 'attendance.mark' AND target_id = ${bob.id} AND reason = 'Seen'`;
  expect(count).is(4);
});

story('At the end the unmarked become absent, and the rate explains itself', async (stage) => {
  const { api, sql, community } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const [ann, bob] = [await school.entitled(), await school.entitled()];
  const late = await school.person('member');
  await school.entitle(late, '-1 minute');
  const cohort = await school.cohort(ann, bob, late);
  const made = await operator.post('/v1/lectures', {
    title: { en: 'Soon over' },
    local_start: new Date(Date.now() - 30_000).toISOString().slice(0, 16),
    time_zone: 'UTC',
    minutes: 60,
    cohort_id: cohort,
  });
  expect(made).status(201);
  expect(await operator.post(`/v1/lectures/${made.id}/publish`)).status(200);
  await sql`UPDATE lecture SET start_at = now() - interval '2 minutes' WHERE id = ${made.id}`;
  expect(await checkIn(api.as(ann), made.id, await codeOf(operator, made.id))).status(201);
  const ahead = await school.lecture(600, { cohort });
  const off = await school.lecture(-900, { cohort });
  await sql`
    UPDATE lecture SET status = 'cancelled', cancelled_at = now(), cancel_reason = 'Rain'
    WHERE id = ${off}`;
  await sql`
    UPDATE lecture SET start_at = start_at - interval '1 hour' WHERE id = ${made.id}`;
  await sql`
    UPDATE job SET run_at = now() WHERE kind = 'close_lecture' AND unique_key = ${made.id}`;
  let closed;
  for (let i = 0; i < 900 && !closed; i++) {
    await sleep(100);
    [closed] = await sql`
      SELECT state FROM attendance WHERE lecture_id = ${made.id} AND member_id = ${bob.id}`;
  }
  expect(closed).is({ state: 'absent' });
  const rows = await sql`
    SELECT member_id, state, via FROM attendance WHERE lecture_id = ${made.id} ORDER BY member_id`;
  expect(rows).is([
    { member_id: ann.id, state: 'present', via: 'code' },
    { member_id: bob.id, state: 'absent', via: 'close' },
  ]);
  expect(await operator.get(`/v1/lectures/${made.id}`)).body({ status: 'ended' });

  const mine = await api.as(bob).get('/v1/me/attendance');
  expect(mine).status(200);
  expect(mine.body.data.map((one) => [one.lecture_id, one.counts, one.reason])).is([
    [ahead, 'to_come', 'to_come'],
    [made.id, 'missed', 'absent'],
    [off, 'not_counted', 'cancelled'],
  ]);
  expect(await api.as(bob).get('/v1/me/attendance/rate')).status(200).body({
    numerator: 0,
    denominator: 1,
    basis_points: 0,
    best_basis_points: 5000,
    to_come: 1,
  });
  expect(await api.as(ann).get('/v1/me/attendance/rate')).body({
    numerator: 1,
    denominator: 1,
    basis_points: 10000,
    counts: { present: 1 },
    policy_version: 1,
  });
  const [first] = (await api.as(ann).get('/v1/me/attendance', { query: { limit: 1 } })).body.data;
  expect(first.lecture_id).is(ahead);
  expect(await api.as(await school.person('member')).get('/v1/me/attendance/rate'))
    .status(200)
    .body({ basis_points: null, best_basis_points: null, denominator: 0 });
  expect(community.id > 0).isTrue();
});
