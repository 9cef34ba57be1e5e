// Oneself: the profile, consents, one's own data, and leaving for good.
import { expect, PASSWORD, story } from './lib/story.mjs';
import { erased, signUp, wait } from './lib/visitor.mjs';

story('A profile is read and changed, by whoever saw its latest state', async ({ api, people }) => {
  const ann = api.as(await people.member({ name: 'Ann' }));
  const seen = await ann.get('/v1/me');
  expect(seen).status(200).header('etag', /^"/);
  const kept = await ann.get('/v1/me', { headers: { 'If-None-Match': seen.header('etag') } });
  expect(kept).status(304);

  const changed = await ann.patch('/v1/me', { display_name: 'Anna', bio: 'Hello\nthere' });
  expect(changed).status(200).body({ display_name: 'Anna', bio: 'Hello\nthere', locale: 'zh-CN' });
  const late = await ann.patch(
    '/v1/me',
    { locale: 'en' },
    { headers: { 'If-Match': seen.header('etag') } },
  );
  expect(late).problem('version_changed', 412);
  const timely = await ann.patch(
    '/v1/me',
    { locale: 'en', bio: null },
    { headers: { 'If-Match': changed.header('etag') } },
  );
  expect(timely).status(200).body({ locale: 'en', bio: null, display_name: 'Anna' });

  expect(await ann.patch('/v1/me', { display_name: null }))
    .problem('body_invalid')
    .fault('/display_name');
  expect(await ann.patch('/v1/me', { display_name: ' \t' })).problem('body_invalid', 422);
  expect(await ann.patch('/v1/me', { display_name: '   ' }))
    .problem('body_invalid', 422)
    .fault('/display_name', 'too_short');
  expect(await ann.patch('/v1/me', { role: 'owner' })).problem('body_invalid').fault('/role');
  expect(await ann.patch('/v1/me', { bio: 'x'.repeat(2001) }))
    .problem('body_invalid')
    .fault('/bio', 'too_long');
  expect(await api.get('/v1/me')).problem('not_signed_in', 401);
});

story('Of two changes at once that saw the same state, one is made', async ({ api, people }) => {
  const ann = api.as(await people.member());
  const seen = await ann.get('/v1/me');
  const headers = { 'If-Match': seen.header('etag') };
  const all = await Promise.all(
    ['A', 'B', 'C', 'D'].map((display_name) => ann.patch('/v1/me', { display_name }, { headers })),
  );
  expect(all.map(({ status }) => status).sort()).is([200, 412, 412, 412]);
});

story('New rules are accepted, old ones no more', async ({ api, community, people, sql }) => {
  const ann = api.as(await people.member({ consents: false }));
  const accept = (kind, version) => ann.post('/v1/me/consents', { kind, version });
  const rules = await api.get(`${community.path}/rules`);
  expect(rules)
    .status(200)
    .body({ kind: 'rules', version: 1, body: { en: 'Be kind.' } });
  expect(await accept('rules', 1)).status(200).body({ kind: 'rules', version: 1 });
  const again = await accept('rules', 1);
  expect(again).status(200);
  await sql`
    INSERT INTO community_text (community_id, kind, version, body)
    VALUES (${community.id}, 'rules', 2, '{"en": "Be kinder."}')`;
  await sql`SELECT pg_notify('lyceum', 'public ' || ${community.id}::text)`;
  expect(await accept('rules', 1)).problem('text_outdated', 409);
  expect(await accept('rules', 3)).problem('not_found', 404);
  expect(await accept('rules', 2)).status(200);
  expect(await accept('privacy', 1)).status(200);
  expect(await ann.get('/v1/me')).body({
    consents: [
      { kind: 'privacy', current: 1, accepted: 1 },
      { kind: 'rules', current: 2, accepted: 2 },
    ],
  });
  expect(await accept('guardian', 1)).problem('body_invalid').fault('/kind', 'choice');
});

story('One’s own data are handed out whole, and nobody else’s', async ({ api, people, sql }) => {
  const ann = await people.member({ name: 'Ann' });
  const bob = await people.member({ name: 'Bob' });
  const own = await api.as(ann).post('/v1/me/exports');
  expect(own)
    .status(200)
    .header('content-disposition', /^attachment; filename="my-data.json"/)
    .body({
      account: { id: ann.account, contacts: [{ contact: ann.email }], has_password: true },
      member: { id: ann.id, display_name: 'Ann' },
      consents: [{ version: 1 }, { version: 1 }],
      sessions: [{ device_name: 'a story' }],
      redemptions: [],
      attendance: [],
    });
  expect(own.text.includes(bob.id) || own.text.includes('Bob')).is(false);
  expect(/argon2|digest/.test(own.text)).is(false);
  await sql`UPDATE account SET erased_at = now() WHERE id = ${bob.account}`;
  expect(await api.as(bob).post('/v1/me/exports')).problem('not_found', 404);
  expect(await api.as(bob).get('/v1/me')).problem('not_found', 404);
  expect(await api.as(bob).delete('/v1/me')).problem('not_found', 404);
  expect(await api.as(bob).patch('/v1/me', { bio: 'x' }, { headers: { 'If-Match': '"x"' } }))
    .problem('not_found', 404);
  const change = { current_password: PASSWORD, new_password: 'correct donkey battery' };
  expect(await api.as(bob).put('/v1/me/password', change)).problem('not_found', 404);
});

story('Leaving takes seven days, and coming back undoes it', async (context) => {
  const { api, people, another, sql } = context;
  const ann = await people.member();
  const elsewhere = await another();
  await people.join(ann, elsewhere);
  const there = await people.in(elsewhere).signIn({ ...ann });
  const gone = await api.as(ann).delete('/v1/me');
  expect(gone).status(202);
  const days = (Date.parse(gone.body.erase_after) - Date.now()) / 86_400_000;
  expect(days).atLeast(6.99).atMost(7.01);
  expect(await api.as(ann).get('/v1/me')).problem('session_ended', 401);
  expect(await api.as(there).get('/v1/me')).problem('session_ended', 401);

  await people.signIn(ann);
  expect(await api.as(ann).get('/v1/me')).body({ erase_after: null });
  expect(await api.as(ann).delete('/v1/me')).status(202);
  await sql`UPDATE account SET erase_after = now() - interval '1 second' WHERE id = ${ann.account}`;
  const late = await api.post(`${context.community.path}/sessions`, {
    login: ann.email,
    password: PASSWORD,
  });
  expect(late).problem('sign_in_failed', 401);
});

story('When the time has passed, what made it a person is gone, everywhere', async (context) => {
  const { api, people, another, sql, mailbox, community } = context;
  const ann = await people.member({ name: 'Ann Gone' });
  await people.owner();
  const elsewhere = await another();
  const there = await people.join(ann, elsewhere, { role: 'owner', name: 'Ann There' });
  const heir = await people.in(elsewhere).owner();
  await api.post(`${community.path}/challenges`, { contact: ann.email, purpose: 'sign_in' });
  await mailbox.latest(ann.email);
  expect(await api.as(ann).delete('/v1/me')).status(202);
  await erased(sql, ann);
  const [account] = await sql`SELECT * FROM account WHERE id = ${ann.account}`;
  expect(account).matches({ erased_at: (at) => at !== null, birth_year: null });
  for (const look of [
    sql`SELECT FROM identity WHERE account_id = ${ann.account}`,
    sql`SELECT FROM credential WHERE account_id = ${ann.account}`,
    sql`SELECT FROM person_key WHERE account_id = ${ann.account}`,
    sql`SELECT FROM session WHERE account_id = ${ann.account}`,
    sql`SELECT FROM challenge WHERE subject = ${ann.email}`,
    sql`SELECT FROM mailbox WHERE recipient = ${ann.email}`,
  ]) {
    expect((await look).length).is(0);
  }
  const left = await sql`
    SELECT display_name, role, left_at IS NOT NULL AS gone FROM member
    WHERE account_id = ${ann.account}`;
  expect(left).is(Array(2).fill({ display_name: '—', role: 'guest', gone: true }));
  const [keeper] = await sql`
    SELECT member_id FROM community_keeper WHERE community_id = ${elsewhere.id}`;
  expect(keeper.member_id).is(heir.id).isNot(there);
  await wait(sql);
  const fresh = await signUp({ ...context }, ann.email); // the address is free again
  expect(fresh).status(201);
  expect(fresh.body.member.id).isNot(ann.id);
});

story('The only owner hands the community over first', async ({ api, people }) => {
  const ann = await people.owner();
  expect(await api.as(ann).delete('/v1/me')).problem('last_owner', 409);
  await people.owner();
  expect(await api.as(ann).delete('/v1/me')).status(202);
});

story('One’s communities are listed, with what one is in each', async (context) => {
  const { api, people, another, community } = context;
  const ann = await people.member({ name: 'Ann' });
  const second = await another({ kind: 'friends' });
  await people.join(ann, second, { role: 'operator', name: 'Op Ann' });
  expect(await api.as(ann).get('/v1/me/communities'))
    .status(200)
    .body({
      data: [
        { slug: second.slug, kind: 'friends', role: 'operator', current: false },
        { slug: community.slug, member_id: ann.id, role: 'member', current: true },
      ],
    });
});

story('A community shows its public face', async ({ api, community, people, sql }) => {
  await sql`
    UPDATE community SET icp_number = '沪ICP备00000000号', about = '{"en": "Talks"}'
    WHERE id = ${community.id}`;
  await people.members(3);
  const reply = await api.get(community.path);
  expect(reply)
    .status(200)
    .header('cache-control', 'public, no-cache')
    .body({
      slug: community.slug,
      kind: 'training',
      zone: 'Asia/Shanghai',
      currency: 'CNY',
      icp_number: '沪ICP备00000000号',
      about: { en: 'Talks' },
      counts: { members: 3, lecturers: 0, lectures_to_come: 0 },
    });
  expect(await api.get(community.path, { headers: { 'If-None-Match': reply.header('etag') } }))
    .status(304);
  expect(await api.get(`${community.path}/privacy`)).status(200).body({ kind: 'privacy' });
  for (const path of ['', '/rules', '/privacy']) {
    expect(await api.get(`/v1/communities/no-such-place${path}`)).problem('not_found', 404);
  }
});
