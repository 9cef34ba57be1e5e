// Messages on their way out: a real mail server, and an SMS provider that checks signatures.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, expect, startMailServer, startPeer, story } from './lib/story.mjs';

const folder = mkdtempSync(join(tmpdir(), 'lyceum-story-'));
const mood = {}; // what the outside world answers now
const smsKey = 'a1'.repeat(32);
const keyFile = join(folder, 'sms');
const passwordFile = join(folder, 'smtp');
writeFileSync(keyFile, `${smsKey}\n`);
writeFileSync(passwordFile, 'mail secret\n');

const mail = await startMailServer({
  user: 'lyceum',
  password: 'mail secret',
  refuse: (address) => (address.startsWith('bounce') ? 550 : mood.mailDown ? 451 : 0),
});
const sms = await startPeer((call) => {
  if (!signedWell(call)) return { status: 401, body: {} };
  return { status: mood.smsDown ? 503 : 200, body: {} };
});
const env = {
  LYCEUM_DEMO: '0',
  LYCEUM_SMTP_URL: mail.url,
  LYCEUM_SMTP_TLS: '0',
  LYCEUM_SMTP_USER: 'lyceum',
  LYCEUM_SMTP_PASSWORD_FILE: passwordFile,
  LYCEUM_MAIL_FROM: 'door@lyceum.example',
  LYCEUM_SMS_URL: sms.url,
  LYCEUM_SMS_SECRET_FILE: keyFile,
};
export const server = { env };

const ask = (api, community, contact) =>
  api.post(`${community.path}/challenges`, { contact, purpose: 'sign_in' });

const none = (sql) => eventually(async () => (await sql`SELECT FROM delivery`).length === 0);

/** Waits until the one message was tried in vain and put back. */
const delayed = (sql) =>
  eventually(async () => {
    const [row] = await sql`SELECT tries, due_at - now() < '20 seconds' AS back FROM delivery`;
    return row.tries > 0 && row.back;
  });

/** As if the time until the next try had passed. */
const hurry = (sql) => sql`UPDATE delivery SET due_at = now()`;

/** Text of the parts of a mail, quoted-printable undone. */
function decoded({ text }) {
  const [head, ...parts] = text.split('\r\n\r\n');
  const bytes = parts
    .join('\r\n\r\n')
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return `${head}\r\n\r\n${Buffer.from(bytes, 'latin1').toString('utf8')}`;
}

/** As the provider's side of gateways.h says: HMAC over timestamp and body, at most 5 min old. */
function signedWell({ headers, text }) {
  const at = headers['lyceum-timestamp'];
  if (Math.abs(Date.now() / 1000 - Number(at)) > 300) return false;
  const mac = createHmac('sha256', Buffer.from(smsKey, 'hex')).update(`${at}.${text}`).digest();
  const given = /^v1=([0-9a-f]{64})$/.exec(headers['lyceum-signature']);
  return Boolean(given) && timingSafeEqual(mac, Buffer.from(given[1], 'hex'));
}

story('A code goes out by a real mail server', async ({ api, community, random, sql, secret }) => {
  secret('mail secret');
  const contact = `ann-${random()}@example.org`;
  const zh = api.with({ 'Accept-Language': 'zh-CN' });
  expect(await ask(zh, community, contact)).status(202);
  const came = await mail.to(contact);
  expect(came.from).is('door@lyceum.example');
  expect(came.to).is([contact]);
  const text = decoded(came);
  const [, code] = /您的验证码是 (\d{6})，10 分钟内有效/.exec(text);
  secret(code);
  expect(text).matches(/^From: =\?utf-8\?B\?[\w+/=]+\?= <door@lyceum.example>/m);
  expect(text).matches(/^Auto-Submitted: auto-generated/m);
  expect(text).matches(/^Message-ID: <[-0-9a-f]+@lyceum>/m);
  expect(text.includes('text/plain') && text.includes('text/html')).isTrue('both forms are there');
  await none(sql);
  expect((await sql`SELECT FROM mailbox`).length).is(0);
  expect(await api.get('/mailbox')).problem('not_found', 404); // this is no demonstration
});

story('What the mail server can not take now is tried again; nobody waits', async (context) => {
  const { api, community, random, sql } = context;
  const contact = `bob-${random()}@example.org`;
  mood.mailDown = true;
  expect(await ask(api, community, contact)).status(202);
  const [{ sealed }] = await sql`SELECT sealed FROM delivery`;
  expect(sealed.includes(contact)).is(false);
  await delayed(sql);
  mood.mailDown = false;
  await hurry(sql);
  const came = await mail.to(contact);
  expect(decoded(came)).matches(/Your code is \d{6}\. It is good for 10 minutes\./);
  await none(sql);
});

story('What is refused for good, too late or forged is dropped', async (context) => {
  const { api, community, random, sql } = context;
  const before = mail.mails.length;
  expect(await ask(api, community, `bounce-${random()}@example.org`)).status(202);
  await none(sql);
  for (const expiry of ['-1 second', '1 hour']) {
    await sql`
      INSERT INTO delivery (community_id, id, channel, kind, locale, sealed, expires_at)
      VALUES (${community.id}, gen_random_uuid(), 'mail', 'code', 'en', '\\x00',
              now() + ${expiry}::interval)`;
  }
  await none(sql);
  expect(mail.mails.length).is(before);
});

story('A code goes out by SMS, signed; what failed is tried again as the same', async (context) => {
  const { api, community, sql } = context;
  const contact = '+8613700137000';
  mood.smsDown = true;
  expect(await ask(api, community, contact)).status(202);
  const first = await sms.next();
  expect(signedWell(first)).isTrue('the signature is right');
  const { id, to, text } = JSON.parse(first.text);
  expect(to).is(contact);
  expect(text).matches(/^【A community】Your code is \d{6}\./);
  expect(first.headers['idempotency-key']).is(id);
  await delayed(sql);
  mood.smsDown = false;
  await hurry(sql);
  const second = await eventually(() => sms.calls[1]);
  expect(second.headers['idempotency-key']).is(id);
  expect(JSON.parse(second.text)).is(JSON.parse(first.text));
  await none(sql);
});

story('A day’s messages have a cap', async ({ api, community, random, start, sql }) => {
  await sql`DELETE FROM delivery_budget`;
  const capped = await start({ LYCEUM_MESSAGE_DAILY_CAP: '3' });
  const to = () => ask(api.on(capped), community, `cap-${random()}@example.org`);
  for (let i = 0; i < 3; i++) expect(await to()).status(202);
  expect(await to()).problem('rate_limited', 429).header('retry-after');
  expect(await ask(api.on(capped), community, '+8613600136000')).status(202); // SMS count apart
  await none(sql);
  await capped.stop();
});

story('A server killed before it could send loses no message', async (context) => {
  const { api, community, random, start, sql } = context;
  const contact = `cat-${random()}@example.org`;
  mood.mailDown = true;
  expect(await ask(api, community, contact)).status(202);
  await context.server.kill();
  mood.mailDown = false;
  expect((await sql`SELECT FROM delivery`).length).is(1);
  await hurry(sql); // as if the lease had run out
  const next = await start();
  await mail.to(contact);
  await none(sql);
  await next.stop();
});

story('A mail server that can not prove itself gets nothing', async (context) => {
  const { api, community, random, start, sql } = context;
  const before = mail.mails.length;
  const strict = await start({ LYCEUM_SMTP_TLS: '1' });
  expect(await ask(api.on(strict), community, `eve-${random()}@example.org`)).status(202);
  await eventually(async () => (await sql`SELECT FROM delivery WHERE tries >= 1`).length === 1);
  await eventually(async () => /delivery_delayed channel=mail/.test(readFileSync(strict.log)));
  expect(mail.mails.length).is(before);
  await sql`DELETE FROM delivery`;
  await strict.stop();
  await mail.stop();
  await sms.stop();
});
