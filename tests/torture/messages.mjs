// Mail and SMS go out while one call of libcurl, or one allocation, after the other fails: each
// message arrives as one, at once or later, and what failed is told in the log.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, startMailServer, startPeer, story } from '../api/lib/story.mjs';
import { control, server as tortured } from '../api/lib/torments.mjs';
import { KINDS, sources } from '../api/lib/torture.mjs';

const job = JSON.parse(process.env.LYCEUM_STORY);
const folder = mkdtempSync(join(tmpdir(), 'lyceum-torture-'));
const keyFile = join(folder, 'sms');
writeFileSync(keyFile, `${'a1'.repeat(32)}\n`);
const mail = await startMailServer();
const sms = await startPeer();

export const server = {
  env: {
    ...tortured.env,
    LYCEUM_DEMO: '0',
    LYCEUM_SMTP_URL: mail.url,
    LYCEUM_SMTP_TLS: '0',
    LYCEUM_MAIL_FROM: 'door@lyceum.example',
    LYCEUM_SMS_URL: sms.url,
    LYCEUM_SMS_SECRET_FILE: keyFile,
  },
};

const MS = 900_000;
const STEP = Number(process.env.TORTURE_STEP || 1);
/** Who took a message and did not hear of it is forgotten after 30 s, and it is taken again
 * (delivery_take.sql); somebody looks every few seconds. */
const GIVEN_UP_MS = 40_000;
let phone = 13_700_000_000;

const CHANNELS = {
  mail: {
    contact: (random) => `${random()}@example.org`,
    ids: (to) =>
      mail.mails
        .filter(({ to: all, text }) => all.includes(to) && text.includes('--\r\n')) // not cut short
        .map(({ text }) => /^Message-ID: (\S+)/im.exec(text)[1]),
  },
  sms: {
    contact: () => `+86${phone++}`,
    ids: (to) =>
      sms.calls
        .filter(({ text }) => text.includes(to))
        .map(({ headers }) => headers['idempotency-key']),
  },
};

/** What the log says of messages that did not go out at once. */
const troubles = ({ log }) =>
  readFileSync(log, 'utf8').match(/delivery_(delayed|interrupted|failed)/g)?.length ?? 0;

/** Waits until the first try is over: the message is gone, or the log tells. */
async function tried({ sql, server: { log } }, before) {
  const until = Date.now() + GIVEN_UP_MS;
  while (Date.now() < until) {
    if (troubles({ log }) > before) return;
    if (!(await sql`SELECT FROM delivery`).length) return;
    await sleep(10);
  }
  throw new Error('nothing was heard of it');
}

/** As if the time until the next try had passed; the one before may still be writing when that is. */
async function sentInTheEnd({ sql }) {
  const until = Date.now() + 60_000;
  for (let n = 0; (await sql`SELECT FROM delivery`).length; n++) {
    if (Date.now() > until) throw new Error('it is still not sent');
    if (n % 100 === 0) {
      await sql`UPDATE delivery SET due_at = now()`;
      await sql`SELECT pg_notify('lyceum', 'delivery')`;
    }
    await sleep(20);
  }
}

/** One message while the n-th call fails: { failed, place, trouble, late }. */
async function send(context, channel, kind, n) {
  const { api, community, random, server: machine } = context;
  const contact = CHANNELS[channel].contact(random);
  const before = troubles(machine);
  control.arm(KINDS[kind], n);
  const body = { contact, purpose: 'sign_in' };
  const reply = await api
    .post(`${community.path}/challenges`, body, { alone: true })
    .catch(() => null);
  let trouble = null;
  await tried(context, before).catch(({ message }) => (trouble = message));
  const { failed, place } = control.disarm();
  if (machine.gone) throw new Error(`the server is gone\n        at ${sources(place, job.server)}`);
  const late = (await context.sql`SELECT FROM delivery`).length;
  await sentInTheEnd(context).catch(({ message }) => (trouble ??= message));
  const ids = CHANNELS[channel].ids(contact);
  if (reply?.status === 202 && !ids.length) trouble ??= 'it was lost';
  if (new Set(ids).size > 1) trouble ??= `it came as ${new Set(ids).size}`;
  if (late && troubles(machine) !== before + 1) trouble ??= 'not told once';
  if (reply && reply.status !== 202 && reply.status !== 503) trouble ??= `said ${reply.status}`;
  return { failed, place, late, again: ids.length > 1, trouble };
}

async function all(context, channel, kind, step) {
  const wrong = [];
  const tally = { failures: 0, late: 0, again: 0 };
  await send(context, channel, 'libcurl', 0); // its thread and connection are there
  for (let n = 1, missed = 0; missed < 2; n += step) {
    const { failed, place, late, again, trouble } = await send(context, channel, kind, n);
    if (!failed) missed++;
    tally.failures += failed ? 1 : 0;
    tally.late += late ? 1 : 0;
    tally.again += again ? 1 : 0;
    if (trouble) wrong.push(`${n}: ${trouble}\n        at ${sources(place, job.server)}`);
  }
  console.log(
    `      ${channel}: ${tally.failures} ${kind} failures: ${tally.late} sent later, ` +
      `${tally.again} came twice under one id`,
  );
  if (wrong.length) throw new Error(`${wrong.length} wrong:\n${wrong.slice(0, 20).join('\n')}`);
  expect(tally.failures).atLeast(step > 1 ? 1 : 15);
}

for (const channel of ['mail', 'sms']) {
  const kinds = { libcurl: 1, allocation: STEP };
  for (const [kind, step] of Object.entries(kinds)) {
    const title = `One ${kind} failure after the other: ${channel} goes out, once`;
    story(title, (context) => all(context, channel, kind, step), MS);
  }
}

story('Done', async () => {
  await mail.stop();
  await sms.stop();
});
