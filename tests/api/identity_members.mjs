// Members, as operators and owners manage them.
import { expect, PASSWORD, race, staleFor, story, uuid7 } from './lib/story.mjs';

const shift = { role: 'operator' };

story('Operators find members by name, contact, role and state', async ({ api, people, sql }) => {
  const op = api.as(await people.operator({ name: 'Op' }));
  const ann = await people.member({ name: 'Ann Wu 吴' });
  await people.member({ name: 'Bob' });
  await people.lecturer({ name: 'Dr Chen' });
  await sql`UPDATE member SET state = 'muted', state_reason = 'x', state_by = id
            WHERE id = ${ann.id}`;
  const find = async (query) => {
    const reply = await op.get('/v1/members', { query });
    expect(reply).status(200);
    return reply.body.data.map(({ display_name }) => display_name);
  };
  expect(await find({})).is(['Dr Chen', 'Bob', 'Ann Wu 吴', 'Op']);
  expect(await find({ q: 'wu' })).is(['Ann Wu 吴']);
  expect(await find({ q: '吴' })).is(['Ann Wu 吴']);
  expect(await find({ q: '100%_' })).is([]);
  expect(await find({ q: ann.email.toUpperCase() })).is(['Ann Wu 吴']);
  expect(await find({ q: 'nobody@example.org' })).is([]);
  expect(await find({ role: 'lecturer' })).is(['Dr Chen']);
  expect(await find({ state: 'muted' })).is(['Ann Wu 吴']);
  expect(await find({ role: 'member', state: 'active', q: 'b' })).is(['Bob']);

  const page = await op.get('/v1/members', { query: { limit: 3 } });
  expect(page).body({ has_more: true });
  const rest = await op.get('/v1/members', { query: { limit: 3, cursor: page.body.next_cursor } });
  expect(rest.body.data.map(({ display_name }) => display_name)).is(['Op']);
  expect(await op.get('/v1/members', { query: { cursor: 'xyz' } })).problem('cursor_invalid', 400);
  expect(await op.get('/v1/members', { query: { role: 'king' } })).problem('query_invalid', 400);
  expect(await op.get('/v1/members', { query: { unknown: 1 } })).problem('query_invalid', 400);
});

story('Contacts are shown as hints', async ({ api, people }) => {
  const op = api.as(await people.operator());
  const ann = await people.member({ name: 'Ann', email: `ann-${uuid7()}@example.org` });
  expect(await op.get(`/v1/members/${ann.id}`))
    .status(200)
    .body({ display_name: 'Ann', contacts: [{ kind: 'email', hint: 'a…@example.org' }] });
});

story('Only those who may see and change members', async ({ api, people, another }) => {
  const owner = await people.owner();
  const [op, op2] = [await people.operator(), await people.operator()];
  const lecturer = await people.lecturer();
  const [ann, bob] = await people.members(2);
  const stranger = await people.in(await another()).owner();
  const change = (who, whom, body) => api.as(who).patch(`/v1/members/${whom.id}`, body);
  for (const who of [lecturer, ann]) {
    expect(await api.as(who).get('/v1/members')).problem('not_allowed', 403);
    expect(await api.as(who).get(`/v1/members/${bob.id}`)).problem('not_allowed', 403);
    expect(await change(who, bob, { role: 'guest' })).problem('not_allowed', 403);
  }
  expect(await api.as(stranger).get(`/v1/members/${ann.id}`)).problem('not_found', 404);
  expect(await change(stranger, ann, { role: 'guest' })).problem('not_found', 404);
  expect(await api.get('/v1/members')).problem('not_signed_in', 401);
  expect(await change(op, ann, { role: 'operator' })).problem('not_allowed', 403);
  expect(await change(op, op2, { role: 'member' })).problem('not_allowed', 403);
  expect(await change(op, owner, { state: 'banned', reason: 'x' })).problem('not_allowed', 403);
  expect(await change(op, op, { role: 'owner' })).problem('not_allowed', 403);
  expect(await change(op, ann, { role: 'lecturer' })).status(200).body({ role: 'lecturer' });
  expect(await change(owner, op2, { role: 'owner' })).status(200).body({ role: 'owner' });

  const bad = (body, pointer) => async () =>
    expect(await change(owner, bob, body)).problem('body_invalid', 422).fault(pointer);
  await bad({}, '/role')();
  await bad({ state: 'banned' }, '/reason')();
  await bad({ state: 'banned', reason: 'x', until: '2100-01-01T00:00:00Z' }, '/until')();
  await bad({ state: 'muted', reason: 'x', until: '2020-01-01T00:00:00Z' }, '/until')();
  await bad({ role: 'king' }, '/role')();
});

story('A change counts at once, everywhere, and is written down', async (context) => {
  const { api, people, start, sql } = context;
  const second = await start();
  const owner = await people.owner();
  const ann = await people.member();
  const ask = (at) => api.on(at).as(ann).with({ Connection: 'close' }).get('/v1/members');
  expect(await ask(second)).problem('not_allowed', 403);
  expect(await api.as(owner).patch(`/v1/members/${ann.id}`, shift)).status(200);
  const from = performance.now();
  expect(await staleFor(from, () => ask(second), ({ status }) => status === 401)).atMost(1000);
  expect(await ask(context.server)).problem('session_ended', 401); // the old role's token is void
  const again = await api.post('/v1/sessions/refresh', { refresh_token: ann.refresh });
  expect(again).status(200).body({ member: { role: 'operator' } });
  expect(await api.as(again.body.access_token).get('/v1/members')).status(200);
  const [log] = await sql`
    SELECT actor_id, actor_role, action, before, after FROM audit_log WHERE target_id = ${ann.id}`;
  expect(log).matches({
    actor_id: owner.id,
    actor_role: 'owner',
    action: 'member.change',
    before: { role: 'member', state: 'active' },
    after: { role: 'operator', state: 'active' },
  });
});

story('A ban ends all sessions within a second, and can be lifted', async (context) => {
  const { api, people, start, community } = context;
  const second = await start();
  const op = await people.operator();
  const ann = await people.member();
  const pad = await people.signIn({ ...ann });
  const ban = await api.as(op).patch(`/v1/members/${ann.id}`, { state: 'banned', reason: 'Spam' });
  expect(ban).status(200).body({ state: 'banned', state_reason: 'Spam', state_by: op.id });
  const from = performance.now();
  for (const who of [ann, pad]) {
    for (const at of [context.server, second]) {
      const ask = () => api.on(at).as(who).with({ Connection: 'close' }).get('/v1/me');
      expect(await staleFor(from, ask, ({ status }) => status === 401)).atMost(1000);
    }
    expect(await api.post('/v1/sessions/refresh', { refresh_token: who.refresh })).problem(
      'session_ended',
    );
  }
  const login = { login: ann.email, password: PASSWORD };
  expect(await api.post(`${community.path}/sessions`, login)).problem('member_banned', 403);
  expect(await api.as(op).patch(`/v1/members/${ann.id}`, { state: 'active' })).status(200);
  expect(await api.post(`${community.path}/sessions`, login)).status(201);
});

story('A muted member stays signed in, a suspended one does not', async ({ api, people }) => {
  const op = await people.operator();
  const ann = await people.member();
  const until = new Date(Date.now() + 86_400_000).toISOString();
  const mute = { state: 'muted', reason: 'Too loud', until };
  expect(await api.as(op).patch(`/v1/members/${ann.id}`, mute)).status(200);
  const muted = await api.post('/v1/sessions/refresh', { refresh_token: ann.refresh });
  expect(muted).status(200).body({ member: { state: 'muted' } });
  const me = await api.as(muted.body.access_token).get('/v1/me');
  expect(me).body({ state: 'muted', state_reason: 'Too loud', state_until: until });
  const out = { state: 'suspended', reason: 'Too loud still', until };
  expect(await api.as(op).patch(`/v1/members/${ann.id}`, out)).status(200);
  expect(
    await api.post('/v1/sessions/refresh', { refresh_token: muted.body.refresh_token }),
  ).problem('session_ended', 401);
});

story('The last owner is neither demoted nor suspended nor banned', async ({ api, people }) => {
  const ann = await people.owner();
  for (const body of [
    { role: 'member' },
    { state: 'banned', reason: 'x' },
    { state: 'suspended', reason: 'x' },
  ]) {
    expect(await api.as(ann).patch(`/v1/members/${ann.id}`, body)).problem('last_owner', 409);
  }
  expect(await api.as(ann).patch(`/v1/members/${ann.id}`, { state: 'muted', reason: 'x' })).status(
    200,
  );
});

story('Two owners demote each other: one of them stays, twenty times', async (context) => {
  const { api, people, another, sql } = context;
  for (let round = 0; round < 20; round++) {
    const community = await another();
    const mine = people.in(community);
    const [ann, bob] = [await mine.owner(), await mine.owner()];
    const both = await Promise.all([
      api.as(ann).patch(`/v1/members/${bob.id}`, { role: 'member' }),
      api.as(bob).patch(`/v1/members/${ann.id}`, { role: 'member' }),
    ]);
    const won = both.filter(({ status }) => status === 200);
    const [{ owners }] = await sql`
      SELECT count(*) AS owners FROM member WHERE community_id = ${community.id} AND keeps`;
    expect(won.length).is(1);
    expect(owners).is(1);
    const other = both.find(({ status }) => status !== 200);
    const codes = ['last_owner', 'not_allowed', 'session_ended', 'version_changed', 'busy'];
    expect(codes.includes(other.body.code)).isTrue(other.body.code);
  }
});

story('All owners step down at once: one can not', async ({ api, people, sql, community }) => {
  const owners = [];
  for (let i = 0; i < 6; i++) owners.push(await people.owner());
  const all = await race(6, (i) =>
    api.as(owners[i]).patch(`/v1/members/${owners[i].id}`, { role: 'member' }),
  );
  const [{ left }] = await sql`
    SELECT count(*) AS left FROM member WHERE community_id = ${community.id} AND keeps`;
  expect(left).atLeast(1);
  expect(all.filter(({ status }) => status === 200).length).is(6 - left);
});

story('Of two changes of one member, seen in the same state, one is made', async (context) => {
  const { api, people } = context;
  const owner = api.as(await people.owner());
  const ann = await people.member();
  const seen = await owner.get(`/v1/members/${ann.id}`);
  const headers = { 'If-Match': seen.header('etag') };
  const all = await race(4, () => owner.patch(`/v1/members/${ann.id}`, shift, { headers }));
  expect(all.map(({ status }) => status).sort()).is([200, 412, 412, 412]);
  const late = all.find(({ status }) => status === 412);
  expect(late).problem('version_changed', 412);
});
