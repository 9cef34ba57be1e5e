// Clocks that are wrong by an hour, or jump: tokens are refused as their times say, PostgreSQL's
// clock decides about memberships, and deadlines do not move.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, expect, race, story } from './lib/story.mjs';
import { makeCodes } from './lib/chosen.mjs';

export const server = { env: { LYCEUM_PACE_SCALE: '1000' } };

const library = readdirSync('/usr/lib')
  .map((folder) => join('/usr/lib', folder, 'faketime/libfaketimeMT.so.1'))
  .find((file) => existsSync(file));

/** `tell` is handed one more thing: what makes a server's clock wrong. */
function clockStory(title, tell) {
  story(title, async (stage) => {
    const program = `/proc/${stage.server.pid}/exe`;
    const sanitized = /lib[at]san/.test(execFileSync('ldd', [program], { encoding: 'utf8' }));
    if (!library || sanitized) {
      const why = library ? 'a sanitizer wants to be loaded first' : 'libfaketime is missing';
      console.log(`not tried here: ${title} (${why})`);
      return;
    }
    const fake = { LD_PRELOAD: library, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
    await tell(stage, (more) => ({ ...fake, ...more }));
  });
}

clockStory('A server an hour off refuses what its clock refuses, and serves its own', async (
  { api, people, sql, community, start },
  wrong,
) => {
  const code = await (await makeCodes(sql, community))();
  const ahead = api.on(await start(wrong({ FAKETIME: '+3600' })));
  const behind = api.on(await start(wrong({ FAKETIME: '-3600' })));
  const person = await people.member({ signIn: false });
  const signIn = async (there) => {
    const words = { login: person.email, password: person.password, device_name: 'a story' };
    const reply = await there.post(`${community.path}/sessions`, words);
    expect(reply).status(201);
    return reply.body.access_token;
  };
  const [now, later, earlier] = [await signIn(api), await signIn(ahead), await signIn(behind)];
  const ask = (there, token) => there.as(token).get('/v1/me');
  for (const [there, token] of [[api, now], [ahead, later], [behind, earlier]])
    expect(await ask(there, token)).status(200);
  // From behind it is an hour old, and lived for 15 minutes; from ahead it is of the future.
  for (const [there, token] of [[ahead, now], [api, earlier], [ahead, earlier]])
    expect(await ask(there, token)).problem('token_expired', 401);
  for (const [there, token] of [[behind, now], [api, later], [behind, later]])
    expect(await ask(there, token)).problem('token_invalid', 401);

  expect(await ahead.as(later).post('/v1/redemptions', { code: code.code })).status(201);
  const seen = await race(3, (i) =>
    [api, ahead, behind][i].as([now, later, earlier][i]).get('/v1/me/membership'),
  );
  for (const { body } of seen) expect(body).is(seen[0].body);
  const [{ off }] = await sql`
    SELECT abs(extract(epoch FROM now() - lower(span))) AS off FROM entitlement
    WHERE member_id = ${person.id}`;
  expect(Number(off)).atMost(60);
});

clockStory('A clock that jumps ends tokens, and nothing else', async (
  { api, people, start, out, random },
  wrong,
) => {
  const file = join(out, `clock-${random()}`);
  const set = (offset) => writeFileSync(file, `${offset}\n`);
  set('+0');
  const env = { FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1' };
  const there = api.on(await start(wrong(env)));
  const me = there.as(await people.member());
  const trusted = async () => (await there.get('/readyz')).body.listener;
  expect(await me.get('/v1/me')).status(200);
  await eventually(trusted);
  for (const offset of ['+3600', '-3600']) {
    set(offset);
    const reply = await me.get('/v1/me');
    if (offset === '+3600') expect(reply).problem('token_expired', 401);
    else expect(reply).status(200); // it was looked at already, and is not old
    expect(await there.get('/readyz')).status(200);
    await eventually(trusted);
    const began = Date.now();
    expect(await there.get('/healthz')).status(200);
    expect(Date.now() - began).atMost(20_000);
  }
  set('+0');
  expect(await me.get('/v1/me')).status(200);
});
