import { School } from './lib/school.mjs';
import { expect, story } from './lib/story.mjs';

const NOBODY = '01900000-0000-7000-8000-00000000dead';
const chen = { slug: 'chen', name: { 'zh-CN': '陈老师', en: 'Ms Chen' }, position: 2 };

story('Operators keep lecturers’ profiles, and everybody sees them', async (stage) => {
  const { api, community, random } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const lecturer = await school.person('lecturer');
  const member = await school.person('member');
  expect(await operator.patch(`/v1/lecturers/${lecturer.lecturer}`, { position: 1 })).status(200);

  const made = await operator.post('/v1/lecturers', chen, {
    headers: { 'Idempotency-Key': random() },
  });
  expect(made).status(201).header('Location', `/v1/lecturers/${made.id}`).body(chen);
  const path = `/v1/lecturers/${made.id}`;
  expect(await operator.post('/v1/lecturers', chen)).problem('slug_taken', 409);
  const list = `${community.path}/lecturers`;
  expect(await api.get(list))
    .status(200)
    .body({ data: [{ id: lecturer.lecturer }, { id: made.id, slug: 'chen' }] });

  expect(await operator.patch(path, { bio: { en: 'Teaches walking' } }))
    .status(200)
    .body({ bio: { en: 'Teaches walking' } });
  expect(await api.get(list)).body({ data: [{}, { bio: { en: 'Teaches walking' } }] });
  expect(await operator.patch(path, { member_id: NOBODY }))
    .problem('body_invalid', 422)
    .fault('/member_id');
  expect(await operator.patch(path, { portrait_url: 'javascript:alert(1)' }))
    .problem('body_invalid', 422)
    .fault('/portrait_url');
  expect(
    await operator.post('/v1/lecturers', { ...chen, slug: 'other', member_id: lecturer.id }),
  ).problem('profile_taken', 409);
  expect(await operator.patch(path, { member_id: lecturer.id })).problem('profile_taken', 409);
  expect(await operator.patch(path, { member_id: member.id }))
    .status(200)
    .body({ member_id: member.id });
  expect(await operator.patch(`/v1/lecturers/${lecturer.lecturer}`, { slug: 'chen' })).problem(
    'slug_taken',
    409,
  );

  const read = await api.as(lecturer).get(path);
  expect(read).status(200);
  const stale = { headers: { 'If-Match': read.header('etag') } };
  expect(await operator.patch(path, { archived: true }, stale)).status(200);
  expect(await operator.patch(path, { archived: false }, stale)).problem('version_changed', 412);
  expect(await api.get(list)).body({ data: [{ id: lecturer.lecturer }] });
  expect(await operator.get('/v1/lecturers')).body({ data: [{}, { id: made.id }] });
  expect(await operator.get('/v1/lecturers', { query: { archived: 'true' } })).body({
    data: [{ id: made.id }],
  });

  for (const who of [api.as(lecturer), api.as(member)]) {
    expect(await who.post('/v1/lecturers', chen)).problem('not_allowed', 403);
    expect(await who.patch(path, { position: 1 })).problem('not_allowed', 403);
  }
  expect(await api.as(member).get('/v1/lecturers')).problem('not_allowed', 403);
  expect(await operator.get(`/v1/lecturers/${NOBODY}`)).problem('not_found', 404);
  expect(await operator.patch(`/v1/lecturers/${NOBODY}`, { position: 1 })).problem(
    'not_found',
    404,
  );
  expect(await api.get('/v1/communities/nowhere/lecturers')).problem('not_found', 404);
});

story('Operators keep the venues', async (stage) => {
  const { api, another, people, sql, forge, random } = stage;
  const school = new School(stage);
  const operator = api.as(await school.person('operator'));
  const lecturer = api.as(await school.person('lecturer'));
  const hall = { name: { en: 'The hall' }, time_zone: 'Asia/Shanghai', seats: 80 };
  const made = await operator.post('/v1/venues', hall, {
    headers: { 'Idempotency-Key': random() },
  });
  expect(made).status(201).body({ ...hall, exclusive: true });
  const path = `/v1/venues/${made.id}`;
  expect(await operator.post('/v1/venues', { ...hall, time_zone: 'Mars/Phobos' }))
    .problem('body_invalid', 422)
    .fault('/time_zone');
  expect(await operator.patch(path, { time_zone: 'Mars/Phobos' }))
    .problem('body_invalid', 422)
    .fault('/time_zone');
  expect(await operator.patch(path, { exclusive: false, seats: null, address: { en: '1 Lane' } }))
    .status(200)
    .body({ exclusive: false, seats: null, address: { en: '1 Lane' } });
  const lecture = await operator.post('/v1/lectures', {
    title: { en: 'There' },
    local_start: '2031-01-01T10:00',
    time_zone: 'UTC',
    minutes: 10,
    venue_id: made.id,
  });
  expect(lecture).status(201).body({ venue: { id: made.id, address: { en: '1 Lane' } } });
  expect(await operator.patch(path, { exclusive: true })).problem('state_forbids', 409);

  const read = await lecturer.get(path);
  expect(read).status(200);
  const stale = { headers: { 'If-Match': read.header('etag') } };
  expect(await operator.patch(path, { seats: 9 }, stale)).status(200);
  expect(await operator.patch(path, { seats: 8 }, stale)).problem('version_changed', 412);
  expect(await operator.patch(path, { archived: true })).status(200);
  expect(await lecturer.get('/v1/venues', { query: { archived: 'false' } })).body({ data: [] });
  expect(await lecturer.get('/v1/venues')).body({ data: [{ id: made.id }] });
  expect(await lecturer.post('/v1/venues', hall)).problem('not_allowed', 403);
  expect(await lecturer.patch(path, { seats: 1 })).problem('not_allowed', 403);
  expect(await lecturer.get(`/v1/venues/${NOBODY}`)).problem('not_found', 404);
  expect(await operator.patch(`/v1/venues/${NOBODY}`, { seats: 1 })).problem('not_found', 404);

  const elsewhere = await another();
  const there = new School({ sql, forge, people: people.in(elsewhere), community: elsewhere });
  const boss = api.as(await there.person('operator'));
  expect(await boss.get(path)).problem('not_found', 404);
  expect(await boss.patch(path, { seats: 1 })).problem('not_found', 404);
});
