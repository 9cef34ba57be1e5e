// Sessions: refreshed, listed, ended; and how soon every loop and process knows.
import {
  eventually,
  expect,
  figure,
  PASSWORD,
  patiently,
  race,
  story,
  uuid7,
} from './lib/story.mjs';

const refresh = (api, token) => api.post('/v1/sessions/refresh', { refresh_token: token });
const sleep = (ms) => new Promise((on) => setTimeout(on, ms));

/** How long until this token is refused, asked on fresh connections, so of all loops, each in turn
 * and many times. Fails when one that was refused is taken again. */
async function dies(ask, within = 1000) {
  const from = performance.now();
  let last = from;
  for (let refused = 0; refused < 40; ) {
    const asked = performance.now();
    const { status } = await ask();
    if (status === 401) refused++;
    else {
      refused = 0;
      last = asked;
      if (asked - from > 5000) throw new Error('it is still good after 5 s');
    }
  }
  expect(last - from).atMost(within);
  return last - from;
}

/** The same caller, on a new connection each time: the kernel gives them to the loops in turn. */
const fresh = (api, who) => () => api.as(who).with({ Connection: 'close' }).get('/v1/me');

story('A refresh token is exchanged, and its successor goes on', async ({ api, people }) => {
  const ann = await people.member();
  const first = await refresh(api, ann.refresh);
  expect(first)
    .status(200)
    .body({ token_type: 'Bearer', member: { id: ann.id } });
  expect(first.body.refresh_token).isNot(ann.refresh);
  expect(await api.as(first.body.access_token).get('/v1/me')).status(200);
  expect(await api.as(ann).get('/v1/me')).status(200); // the old access token lives its time
  const second = await refresh(api, first.body.refresh_token);
  expect(second).status(200).body({ session_id: first.body.session_id });
});

story('A lost answer can be asked for again, for ten seconds', async ({ api, people, sql }) => {
  const ann = await people.member();
  const first = await refresh(api, ann.refresh);
  const again = await refresh(api, ann.refresh);
  expect(again).status(200);
  expect(again.body.refresh_token).is(first.body.refresh_token);

  await sql`UPDATE session SET rotated_at = rotated_at - interval '11 seconds'
            WHERE id = ${first.body.session_id}`;
  expect(await refresh(api, ann.refresh)).problem('session_ended', 401);
  figure('refresh_reuse', await dies(fresh(api, first.body.access_token)));
  expect(await refresh(api, first.body.refresh_token)).problem('session_ended', 401);
  expect(await api.as(first.body.access_token).get('/v1/me')).problem('session_ended', 401);
});

story('A token from before the last ends the family at once', async ({ api, people, sql }) => {
  const ann = await people.member();
  const second = await refresh(api, ann.refresh);
  const third = await refresh(api, second.body.refresh_token);
  expect(third).status(200);
  expect(await refresh(api, ann.refresh)).problem('session_ended', 401);
  await dies(fresh(api, third.body.access_token));
  expect(await refresh(api, third.body.refresh_token)).problem('session_ended', 401);
  const [row] = await sql`SELECT revoked_reason FROM session WHERE id = ${third.body.session_id}`;
  expect(row.revoked_reason).is('reuse');
});

story('Twenty tabs refresh at once, and nobody is signed out', async ({ api, people }) => {
  let signedOut = 0;
  for (let round = 0; round < 5; round++) {
    const ann = await people.member();
    const tab = () => patiently(() => refresh(api.with({ Connection: 'close' }), ann.refresh));
    const all = await race(20, tab);
    signedOut += all.filter(({ status }) => status !== 200).length;
    for (const one of all) expect(one).status(200);
    expect(new Set(all.map(({ body }) => body.refresh_token)).size).is(1);
    for (const one of all) expect(await api.as(one.body.access_token).get('/v1/me')).status(200);
    expect(await refresh(api, all[7].body.refresh_token)).status(200);
  }
  figure('refresh_tabs', signedOut, 'in 5 rounds');
});

story('What is no refresh token of ours is told so without a look-up', async ({ api, people }) => {
  const ann = await people.member();
  const bytes = Buffer.from(ann.refresh, 'base64url');
  for (const at of [0, 8, 24, 31, 40, 63]) {
    const forged = Buffer.from(bytes);
    forged[at] ^= 1;
    expect(await refresh(api, forged.toString('base64url'))).problem('token_invalid', 401);
  }
  expect(await refresh(api, ann.refresh.slice(1))).problem('token_invalid', 401);
  expect(await refresh(api, `${ann.refresh}=`)).problem('token_invalid', 401);
  expect(await refresh(api, ann.token.slice(0, 256))).problem('token_invalid', 401);
  expect(await refresh(api, ann.refresh)).status(200);
});

story('A session that was not used for long is over', async ({ api, people, sql }) => {
  const ann = await people.member();
  await sql`UPDATE session SET created_at = now() - interval '61 days',
              expires_at = now() - interval '1 day' WHERE member_id = ${ann.id}`;
  expect(await refresh(api, ann.refresh)).problem('session_ended', 401);
});

story('Sessions are listed in pages, one’s own only', async ({ api, people }) => {
  const ann = await people.member();
  for (let i = 0; i < 4; i++) await people.signIn({ ...ann });
  const bob = await people.member();
  const one = await api.as(ann).get('/v1/me/sessions', { query: { limit: 3 } });
  expect(one).status(200).body({ has_more: true }).header('link', /rel="next"/);
  const two = await api
    .as(ann)
    .get('/v1/me/sessions', { query: { limit: 3, cursor: one.body.next_cursor } });
  expect(two).body({ has_more: false, next_cursor: null });
  const all = [...one.body.data, ...two.body.data];
  expect(all.length).is(5);
  expect(all.filter(({ current }) => current).length).is(1);
  const theirs = await api.as(bob).delete(`/v1/me/sessions/${all[0].id}`);
  expect(theirs).problem('not_found', 404);
  expect(await api.as(bob).delete('/v1/me/sessions/no-id')).problem('not_found', 404);
});

story('A device is signed out; then all others; then all', async ({ api, people }) => {
  const ann = await people.member();
  const [phone, pad] = [await people.signIn({ ...ann }), await people.signIn({ ...ann })];
  const { body } = await api.as(phone).get('/v1/me/sessions');
  const { id } = body.data.find(({ current }) => current);
  expect(await api.as(ann).delete(`/v1/me/sessions/${id}`)).status(204);
  await dies(fresh(api, phone));
  expect(await api.as(ann).delete(`/v1/me/sessions/${id}`)).problem('not_found', 404);
  expect(await refresh(api, phone.refresh)).problem('session_ended', 401);

  const others = await api.as(ann).delete('/v1/me/sessions', undefined, {
    query: { keep_current: true },
  });
  expect(others).status(204);
  await dies(fresh(api, pad));
  expect(await api.as(ann).get('/v1/me')).status(200);
  expect(await api.as(ann).delete('/v1/me/sessions')).status(204);
  await dies(fresh(api, ann));
});

story('Ended here, ended in another process, within a second', async ({ api, people, start }) => {
  const second = await start();
  for (let round = 0; round < 5; round++) {
    const ann = await people.member();
    const phone = await people.signIn({ ...ann });
    expect(await fresh(api.on(second), phone)()).status(200);
    const { body } = await api.as(phone).get('/v1/me/sessions');
    const { id } = body.data.find(({ current }) => current);
    expect(await api.as(ann).delete(`/v1/me/sessions/${id}`)).status(204);
    await Promise.all([dies(fresh(api, phone)), dies(fresh(api.on(second), phone))]);
  }
});

story('With the listening link cut again and again, ended is still ended', async (context) => {
  const { api, people, start, session } = context;
  const second = await start();
  const cutter = await session();
  let cutting = true;
  const cut = (async () => {
    while (cutting) {
      await cutter.query(`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query IN ('LISTEN lyceum', 'SELECT 1')
          AND usename <> current_user`);
      await sleep(20);
    }
  })();
  try {
    for (let round = 0; round < 4; round++) {
      const ann = await people.member();
      const phone = await people.signIn({ ...ann });
      expect(await fresh(api.on(second), phone)()).status(200);
      const { body } = await api.as(phone).get('/v1/me/sessions');
      const { id } = body.data.find(({ current }) => current);
      expect(await api.as(ann).delete(`/v1/me/sessions/${id}`)).status(204);
      await Promise.all([dies(fresh(api, phone)), dies(fresh(api.on(second), phone))]);
    }
  } finally {
    cutting = false;
    await cut;
    await cutter.end();
  }
});

story('A link that is silent, but not closed, is not trusted either', async (context) => {
  const { api, people, start, sql } = context;
  const second = await start();
  const ann = await people.member();
  const phone = await people.signIn({ ...ann });
  expect(await fresh(api.on(second), phone)()).status(200);
  // The listeners' backends stand still: notifications are committed, and nobody delivers them.
  const listeners = await sql`
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND query IN ('LISTEN lyceum', 'SELECT 1')
      AND usename <> current_user`;
  expect(listeners.length).atLeast(2);
  try {
    for (const { pid } of listeners) process.kill(pid, 'SIGSTOP');
  } catch {
    return; // a PostgreSQL of somebody else's
  }
  try {
    const { body } = await api.as(phone).get('/v1/me/sessions');
    const { id } = body.data.find(({ current }) => current);
    expect(await api.as(ann).delete(`/v1/me/sessions/${id}`)).status(204);
    await dies(fresh(api.on(second), phone));
  } finally {
    for (const { pid } of listeners) process.kill(pid, 'SIGCONT');
  }
  await eventually(async () => (await fresh(api.on(second), ann)()).status === 200);
});

story('One steps over into another community without signing in again', async (context) => {
  const { api, people, another, sql } = context;
  const ann = await people.member();
  const [second, third] = [await another(), await another()];
  await people.join(ann, second, { role: 'lecturer', name: 'Dr Ann' });
  const over = (slug) => api.as(ann).post(`/v1/me/communities/${slug}/sessions`);
  const reply = await over(second.slug);
  expect(reply)
    .status(201)
    .body({ member: { display_name: 'Dr Ann', role: 'lecturer' } });
  expect(await api.as(reply.body.access_token).get('/v1/me')).body({ display_name: 'Dr Ann' });
  expect(await refresh(api, reply.body.refresh_token)).status(200);
  expect(await over(third.slug)).problem('not_found', 404);
  expect(await over('no-such-place')).problem('not_found', 404);
  for (const state of ['suspended', 'banned']) {
    await sql`UPDATE member SET state = ${state}, state_reason = 'x', state_by = id
              WHERE community_id = ${second.id} AND account_id = ${ann.account}`;
    expect(await over(second.slug)).problem(`member_${state}`, 403);
    expect(await refresh(api, reply.body.refresh_token)).problem(`member_${state}`, 403);
  }
});

story('Whoever is suspended or banned does not refresh', async ({ api, people, sql }) => {
  const ann = await people.member();
  let token = ann.refresh;
  for (const state of ['suspended', 'banned']) {
    // As if the ban and this session had been written at the same moment.
    await sql`UPDATE member SET state = ${state}, state_reason = 'x', state_by = id
              WHERE id = ${ann.id}`;
    expect(await refresh(api, token)).problem(`member_${state}`, 403);
  }
  expect(await api.post('/v1/sessions/refresh', {})).problem('body_invalid');
  expect(await api.post(`${ann.community.path}/sessions`, { login: ann.email, password: PASSWORD }))
    .problem('member_banned');
  expect(await api.as(ann).delete(`/v1/me/sessions/${uuid7()}`)).problem('not_found');
});

story('What has had its time goes; what has not, stays', async (context) => {
  const { people, community, start, sql, random } = context;
  const [ann, bob] = await people.members(2);
  await sql`UPDATE session SET created_at = now() - interval '99 days',
              expires_at = now() - interval '31 days' WHERE member_id = ${ann.id}`;
  for (const age of ['2 hours', '10 minutes']) {
    await sql`
      INSERT INTO revocation (community_id, at, id, kind, subject_id)
      VALUES (${community.id}, now() - ${age}::interval, ${uuid7()}, 'session', ${uuid7()})`;
  }
  for (const days of [3, 0]) {
    const at = new Date(Date.now() - days * 86_400_000);
    await sql`
      INSERT INTO challenge (community_id, id, purpose, provider, subject, digest, created_at,
                             expires_at)
      VALUES (${community.id}, ${uuid7()}, 'sign_in', 'email', ${`${random()}@example.org`}, 'x',
              ${at}, ${at}::timestamptz + interval '10 minutes')`;
  }
  const counts = async () => {
    const [row] = await sql`
      SELECT (SELECT count(*)::int FROM session WHERE member_id IN (${ann.id}, ${bob.id})) AS s,
             (SELECT count(*)::int FROM revocation WHERE community_id = ${community.id}) AS r,
             (SELECT count(*)::int FROM challenge WHERE community_id = ${community.id}) AS c`;
    return row;
  };
  expect(await counts()).is({ s: 2, r: 2, c: 2 });
  await start(); // it tidies when it starts, and then every ten minutes
  await eventually(async () => (await counts()).s === 1);
  expect(await counts()).is({ s: 1, r: 1, c: 1 });
});
