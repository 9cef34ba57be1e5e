// Signing up with a code, and all that can stand in its way.
import { patient, waiting } from './lib/locks.mjs';
import { CONSENTS, proof, signUp, wait, wrong } from './lib/visitor.mjs';
import { eventually, expect, patiently, race, story, uuid7 } from './lib/story.mjs';

story('A newcomer signs up by mail, and is in', async (context) => {
  const { api, community, random, mailbox } = context;
  const contact = `ann-${random()}@Example.org`;
  const email = contact.toLowerCase();
  const reply = await api.post(`${community.path}/challenges`, { contact, purpose: 'sign_up' });
  expect(reply).status(202).header('location', null);
  const inMinutes = (Date.parse(reply.body.expires_at) - Date.now()) / 60_000;
  expect(inMinutes).atLeast(9.8).atMost(10.2);

  const code = await mailbox.code(email);
  const up = await api.post(`${community.path}/members`, {
    challenge: reply.id,
    code,
    display_name: 'Ann 安',
    password: 'a fine long password',
    birth_year: 1990,
    device_name: 'a phone',
    ...CONSENTS,
  });
  expect(up)
    .status(201)
    .header('location', '/v1/me')
    .body({
      token_type: 'Bearer',
      redemption: null,
      member: { display_name: 'Ann 安', role: 'member', state: 'active', locale: 'en' },
    });
  const ann = api.as(up.body.access_token);
  expect(await ann.get('/v1/me'))
    .status(200)
    .body({
      id: up.body.member.id,
      birth_year: 1990,
      has_password: true,
      contacts: [{ kind: 'email', contact: email }],
      consents: [
        { kind: 'privacy', current: 1, accepted: 1 },
        { kind: 'rules', current: 1, accepted: 1 },
      ],
    });
  expect(await ann.get('/v1/me/sessions')).body({
    data: [{ id: up.body.session_id, device_name: 'a phone', current: true }],
  });

  const again = await api.post(`${community.path}/members`, {
    challenge: reply.id,
    code,
    display_name: 'Ann',
    ...CONSENTS,
  });
  expect(again).problem('challenge_failed', 401); // a code is used once
});

story('A newcomer signs up by phone, in Chinese, without a password', async (context) => {
  const { community, mailbox } = context;
  const api = context.api.with({ 'Accept-Language': 'zh-CN' });
  const typed = '+86 138-0013-8000';
  const phone = '+8613800138000';
  const reply = await api.post(`${community.path}/challenges`, {
    contact: typed,
    purpose: 'sign_up',
  });
  expect(reply).status(202);
  const { channel, body } = await mailbox.latest(phone);
  expect(channel).is('sms');
  expect(body).matches(/^【社区】您的验证码是 \d{6}，10 分钟内有效。/);
  const code = await mailbox.code(phone);
  const wide = code.replace(/\d/g, (d) => String.fromCodePoint(0xff10 + Number(d)));
  const up = await api.post(`${community.path}/members`, {
    challenge: reply.id,
    code: wide, // as a Chinese keyboard may type it
    display_name: '张三',
    ...CONSENTS,
  });
  expect(up).status(201).body({ member: { locale: 'zh-CN' } });
  const me = await api.as(up.body.access_token).get('/v1/me');
  expect(me).body({ has_password: false, contacts: [{ kind: 'phone', contact: phone }] });
});

story('A wrong code has five tries, even at once', async (context) => {
  const { api, community, random } = context;
  const { challenge, code } = await proof(context, `w-${random()}@example.org`);
  const sign = (more) =>
    api.post(`${community.path}/members`, {
      challenge,
      code,
      display_name: 'W',
      ...CONSENTS,
      ...more,
    });
  const tries = await race(12, () => patiently(() => sign({ code: wrong(code) })));
  for (const one of tries) expect(one).problem('challenge_failed', 401);
  expect(await sign()).problem('challenge_failed', 401);

  const second = await proof(context, `v-${random()}@example.org`);
  const up = (more) =>
    api.post(`${community.path}/members`, { ...second, display_name: 'V', ...CONSENTS, ...more });
  expect(await up({ password: '1234567890' })).problem('password_weak', 422);
  expect(await up({ rules_version: 0 })).problem('text_outdated', 409);
  expect(await up()).status(201);
  expect(await up({ challenge: uuid7() })).problem('challenge_failed', 401);
});

story('Of sixteen who use one code at once, one gets in', async (context) => {
  const { api, community, random, sql } = context;
  const contact = `once-${random()}@example.org`;
  const { challenge, code } = await proof(context, contact);
  const all = await race(16, () =>
    api.post(`${community.path}/members`, { challenge, code, display_name: 'One', ...CONSENTS }),
  );
  expect(all.filter(({ status }) => status === 201).length).is(1);
  const refusals = all.filter(({ status }) => status !== 201);
  for (const one of refusals) {
    expect(['challenge_failed', 'contact_taken', 'already_member', 'busy'].includes(one.body.code))
      .isTrue(one.body.code);
  }
  const found = await sql`SELECT FROM identity WHERE subject = ${contact}`;
  expect(found.length).is(1);
});

story('Two sign-ups of one contact by two codes make one account', async (context) => {
  const { api, community, random, sql } = context;
  const contact = `two-${random()}@example.org`;
  const first = await proof(context, contact);
  await wait(sql);
  const sent = await api.post(`${community.path}/challenges`, { contact, purpose: 'sign_up' });
  const { code } = await newest(context, contact, first.code);
  const all = await race(2, (i) =>
    patiently(() =>
      api.post(`${community.path}/members`, {
        ...(i ? first : { challenge: sent.id, code }),
        display_name: 'Two',
        ...CONSENTS,
      }),
    ),
  );
  expect(all.map(({ status }) => status).sort()).is([201, 409]);
  expect(['contact_taken', 'already_member']).matches(
    (codes) => codes.includes(all.find(({ status }) => status === 409).body.code),
  );
});

async function newest({ sql }, contact, unlike) {
  for (let i = 0; i < 3000; i++) {
    const rows = await sql`SELECT body FROM mailbox WHERE recipient = ${contact} ORDER BY at`;
    const code = rows.map(({ body }) => /\d{6}/.exec(body)?.[0]).find((c) => c && c !== unlike);
    if (code) return { code };
    await new Promise((again) => setTimeout(again, 20));
  }
  throw new Error('no second code came');
}

story('While a contact is being taken, a sign-up with it is refused', patient(async (all) => {
  const { api, community, random, session, sql, start } = all;
  const contact = `race-${random()}@example.org`;
  const account = uuid7();
  const other = await session();
  await sql`INSERT INTO account (id) VALUES (${account})`;
  const mine = await proof(all, contact);
  await other.query('BEGIN');
  await other.query(
    `INSERT INTO identity (id, account_id, provider, subject, proven_at)
     VALUES ($1, $2, 'email', $3, now())`,
    [uuid7(), account, contact],
  );
  const there = api.on(await start());
  const asked = there.post(`${community.path}/members`, {
    ...mine,
    display_name: 'Late',
    ...CONSENTS,
  });
  await eventually(async () => (await waiting(sql)).length);
  await other.query('COMMIT');
  await other.end();
  expect(await asked).problem('contact_taken', 409);
}));

story('Under fourteen a guardian consents, and is kept sealed', async (context) => {
  const { api, community, random, sql, people, another } = context;
  const year = new Date().getUTCFullYear();
  const child = await proof(context, `child-${random()}@example.org`);
  const up = (more) =>
    api.post(`${community.path}/members`, {
      ...child,
      display_name: 'Kid',
      birth_year: year - 10,
      ...CONSENTS,
      ...more,
    });
  const guardian = { name: 'Guardian Gwen', contact: '+8613900139000' };
  expect(await up()).problem('guardian_required', 422);
  expect(await up({ guardian })).problem('guardian_required', 422); // no text to consent to
  await sql`
    INSERT INTO community_text (community_id, kind, version, body)
    VALUES (${community.id}, 'guardian', 1, '{"en": "I consent"}')`;
  const reply = await up({ guardian });
  expect(reply).status(201);
  const [{ sealed }] = await sql`
    SELECT sealed FROM consent WHERE member_id = ${reply.body.member.id} AND kind = 'guardian'`;
  expect(sealed.includes('Gwen')).is(false);
  expect(await up({ birth_year: year + 1 })).problem('body_invalid').fault('/birth_year');

  // Somebody whose account was made on the command line, so without a key to seal with.
  const kid = await people.in(await another()).member();
  const join = await signUp(context, kid.email, { birth_year: year - 12, guardian });
  expect(join).status(201);
  const [consent] = await sql`
    SELECT sealed FROM consent WHERE member_id = ${join.body.member.id} AND kind = 'guardian'`;
  expect(consent.sealed.length).atLeast(60);
});

story('Nobody signs up twice, the banned not at all; leavers may return', async (all) => {
  const { api, community, random, sql, people } = all;
  const contact = `again-${random()}@example.org`;
  const first = await signUp(all, contact);
  expect(first).status(201);
  await wait(sql);
  const { id } = first.body.member;
  expect(await signUp2(all, contact)).problem('already_member', 409);
  await sql`UPDATE member SET left_at = now() WHERE id = ${id}`;
  await wait(sql);
  const back = await signUp2(all, contact, { display_name: 'Back' });
  expect(back).status(201).body({ member: { id, display_name: 'Back' } });

  const owner = await people.owner();
  const banned = await api
    .as(owner)
    .patch(`/v1/members/${id}`, { state: 'banned', reason: 'Spam' });
  expect(banned).status(200).body({ state: 'banned' });
  await wait(sql);
  expect(await signUp2(all, contact)).problem('member_banned', 403);
});

/** As signUp, for a contact that has messages already. */
async function signUp2(context, contact, more = {}) {
  const { api, community, sql } = context;
  const codes = async () => {
    // a welcome may come in between
    const rows = await sql`SELECT body FROM mailbox WHERE recipient = ${contact} ORDER BY at, id`;
    return rows.map(({ body }) => /\b\d{6}\b/.exec(body)?.[0]).filter(Boolean);
  };
  const before = (await codes()).length;
  const sent = await api.post(`${community.path}/challenges`, { contact, purpose: 'sign_up' });
  expect(sent).status(202);
  await eventually(async () => (await codes()).length > before);
  const code = (await codes()).at(-1);
  return api.post(`${community.path}/members`, {
    challenge: sent.id,
    code,
    display_name: 'Newcomer',
    ...CONSENTS,
    ...more,
  });
}

story('Who has an account joins a second community with it', async (context) => {
  const { api, people, another, sql } = context;
  const ann = await people.member({ name: 'Ann' });
  const second = await another();
  await wait(sql);
  const reply = await signUp({ ...context, community: second }, ann.email, {
    password: 'another long password',
  });
  expect(reply).status(201);
  expect(await api.as(reply.body.access_token).get('/v1/me/communities'))
    .status(200)
    .body({ data: [{ slug: second.slug, current: true }, { current: false }] });
  await people.signIn(ann); // the password is still the old one
  expect(reply.body.member.id === ann.id).is(false);
});

story('Bodies are checked, and other communities are not found', async ({ api, community }) => {
  const bad = await api.post(`${community.path}/challenges`, {
    contact: 'not a contact',
    purpose: 'sign_up',
  });
  expect(bad).problem('body_invalid', 422).fault('/contact', 'format');
  expect(await api.post(`${community.path}/challenges`, { contact: 'a@b.example', purpose: 'x' }))
    .problem('body_invalid')
    .fault('/purpose', 'choice');
  const nowhere = '/v1/communities/no-such-place';
  expect(await api.post(`${nowhere}/challenges`, { contact: 'a@b.example', purpose: 'reset' }))
    .problem('not_found', 404);
  const body = { challenge: uuid7(), code: '123456', display_name: 'N', ...CONSENTS };
  expect(await api.post(`${nowhere}/members`, body)).problem('not_found', 404);
  const control = { ...body, display_name: 'a\u202eb' };
  expect(await api.post(`${community.path}/members`, control))
    .problem('body_invalid')
    .fault('/display_name', 'characters');
});
