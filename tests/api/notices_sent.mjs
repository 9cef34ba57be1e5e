// Notices on their way out: by SMS where there is no e-mail, in the member's language, not at
// night, and each once, whichever of two servers makes it and whichever dies meanwhile.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, expect, race, startMailServer, startPeer } from './lib/story.mjs';
import { story, uuid7 } from './lib/story.mjs';
import { PUBLIC_URL } from './lib/tokens.mjs';

const folder = mkdtempSync(join(tmpdir(), 'lyceum-story-'));
const keyFile = join(folder, 'sms');
writeFileSync(keyFile, `${'a1'.repeat(32)}\n`);

// What the server that is killed hands over is taken; after the first hundred it never hears so.
const victimHears = 100;
const victims = () => sms.calls.filter(({ url }) => url === '/victim').length;
let slow = false; // the other one, so that there is something left for the victim
const sms = await startPeer(async ({ url }) => {
  if (url === '/victim' && victims() > victimHears) await new Promise(() => {});
  if (url !== '/victim' && slow) await new Promise((done) => setTimeout(done, 200));
  return { status: 200, body: {} };
});
const mail = await startMailServer();
const env = {
  LYCEUM_DEMO: '0',
  LYCEUM_LOOPS: '1',
  LYCEUM_SMTP_URL: mail.url,
  LYCEUM_SMTP_TLS: '0',
  LYCEUM_MAIL_FROM: 'door@lyceum.example',
  LYCEUM_SMS_URL: sms.url,
  LYCEUM_SMS_SECRET_FILE: keyFile,
};
export const server = { env };

let numbers = 13_700_000_000;
const phone = () => `+86${numbers++}`;

const tell = (sql, who, topic, payload = {}) => sql`
  INSERT INTO outbox (community_id, id, topic, subject_id, payload)
  VALUES (${who.community.id}, uuid7(), ${topic}, ${who.id}, ${JSON.stringify(payload)})`;

const left = async (sql, { community }) =>
  Number(
    (await sql`SELECT count(*) AS n FROM delivery WHERE community_id = ${community.id}`)[0].n,
  );

/** All that was told of by now was made into notices, and they went out. */
const allSent = (sql, who) =>
  eventually(async () => {
    const [{ behind }] = await sql`
      SELECT EXISTS (SELECT FROM outbox o WHERE o.community_id = ${who.community.id}
        AND (o.xid, o.id) > coalesce((SELECT (c.xid, c.id) FROM outbox_cursor c
          WHERE c.community_id = o.community_id AND c.consumer = 'notices'), ('0'::xid8, NULL)))
        AS behind`;
    return !behind && (await left(sql, who)) === 0;
  });

const texted = (number) =>
  sms.calls.map(({ text }) => JSON.parse(text)).filter(({ to }) => to === number);
const mailed = (address) => mail.mails.filter(({ to }) => to.includes(address));

/** Somebody with a phone, and with an e-mail address only if `mails`. */
async function withPhone({ people, sql }, { locale = 'en', mails = false } = {}) {
  const who = await people.member({ name: 'Ann' });
  who.phone = phone();
  await sql`UPDATE member SET locale = ${locale} WHERE id = ${who.id}`;
  await sql`
    INSERT INTO identity (id, account_id, provider, subject, proven_at)
    VALUES (${uuid7()}, ${who.account}, 'phone', ${who.phone}, now())`;
  if (!mails) {
    await sql`
      DELETE FROM identity WHERE account_id = ${who.account} AND provider = 'email'`;
  }
  return who;
}

story('Who has a phone and no e-mail is told by SMS of what matters, in their language', async (
  stage,
) => {
  const { sql } = stage;
  const ann = await withPhone(stage);
  const wei = await withPhone(stage, { locale: 'zh-CN' });
  const both = await withPhone(stage, { mails: true });
  for (const who of [ann, wei, both]) {
    await tell(sql, who, 'member.joined');
    await tell(sql, who, 'payment.refunded');
  }
  await allSent(sql, ann);
  expect(texted(ann.phone).length).is(1);
  expect(texted(ann.phone)[0].text).is(
    '【A community】We paid back CNY 0.00 for order. ' +
      `Your bank may need some days. Your orders: ${PUBLIC_URL}`,
  );
  expect(texted(wei.phone).length).is(1);
  expect(texted(wei.phone)[0].text).matches(
    /^【社区】已为订单退还 ¥0\.00。到账可能需要几天。查看订单：http/,
  );
  expect(texted(both.phone)).is([]);
  expect(mailed(both.email).length).is(2);
});

story('A member who prefers SMS or mail is told that way only', async (stage) => {
  const { api, sql } = stage;
  const texts = { ended: 'sms', welcome: 'sms' };
  const mails = { ended: 'mail' };
  const [ann, bob, cat] = [
    await withPhone(stage, { mails: true }),
    await withPhone(stage, { mails: true }),
    await withPhone(stage),
  ];
  await sql`
    INSERT INTO selling_policy (community_id, quiet_from, quiet_until)
    VALUES (${stage.community.id}, 0, 0)`;
  expect(await api.as(ann).patch('/v1/me/notices', texts)).status(200).body(texts);
  for (const who of [bob, cat]) {
    expect(await api.as(who).patch('/v1/me/notices', mails)).status(200).body(mails);
  }
  for (const who of [ann, bob, cat]) {
    await tell(sql, who, 'membership.ended');
    await tell(sql, who, 'member.joined');
  }
  await allSent(sql, ann);
  const sent = (who) => [texted(who.phone).length, mailed(who.email).length];
  expect(sent(ann)).is([2, 0]);
  expect(sent(bob)).is([0, 2]);
  expect(sent(cat)).is([0, 0]); // nothing at all rather than the other way
});

story('An SMS that can wait does so for the hours of its community’s zone', async (stage) => {
  const { sql } = stage;
  const far = await stage.another({ zone: 'America/New_York' });
  const ann = await withPhone(stage);
  const eve = await withPhone({ ...stage, people: stage.people.in(far) });
  const [{ hour }] = await sql`
    SELECT extract(hour FROM now() AT TIME ZONE 'Asia/Shanghai')::int AS hour`;
  const until = (hour + 2) % 24;
  for (const { community } of [ann, eve]) {
    await sql`
      INSERT INTO selling_policy (community_id, quiet_from, quiet_until)
      VALUES (${community.id}, ${hour}, ${until})`;
  }
  for (const who of [ann, eve]) {
    await tell(sql, who, 'membership.ended');
    await tell(sql, who, 'payment.refunded');
  }
  await allSent(sql, eve);
  expect(texted(eve.phone).length).is(2);
  await eventually(() => texted(ann.phone).length === 1);
  await eventually(async () => (await left(sql, ann)) === 1);
  expect(texted(ann.phone)[0].text).matches(/We paid back/);
  const waiting = await sql`
    SELECT notice, channel, due_at > now() AS later,
      to_char(due_at AT TIME ZONE 'Asia/Shanghai', 'HH24:MI:SS') AS at
    FROM delivery WHERE community_id = ${ann.community.id}`;
  const at = `${String(until).padStart(2, '0')}:00:00`;
  expect(waiting).is([{ notice: 'ended', channel: 'any', later: true, at }]);
  await sql`UPDATE delivery SET due_at = now()`; // as if the morning had come
  await allSent(sql, ann);
  expect(texted(ann.phone)[1].text).matches(/has ended/);
});

/** Members who did nothing yet, each with a phone: faster than by signing up. */
async function crowd({ sql, community }, count) {
  const numbers = Array.from({ length: count }, phone);
  await sql`
    WITH people AS MATERIALIZED (
      SELECT uuid7() AS account, uuid7() AS member, n FROM unnest(${numbers}::text[]) n
    ), accounts AS (
      INSERT INTO account (id) SELECT account FROM people
    ), phones AS (
      INSERT INTO identity (id, account_id, provider, subject, proven_at)
      SELECT uuid7(), account, 'phone', n, now() FROM people
    )
    INSERT INTO member (community_id, id, account_id, role, display_name)
    SELECT ${community.id}, member, account, 'member', 'One of many' FROM people`;
  return numbers;
}

story('Of two servers one is killed: each notice is made once, and none is lost', async (stage) => {
  const { sql, community, start } = stage;
  const who = { community };
  const numbers = await crowd(stage, 400);
  const victim = await start({ LYCEUM_SMS_URL: `${sms.url}victim` });
  const before = sms.calls.length;
  slow = true;
  const happens = race(8, async (lane) => {
    for (let i = lane; i < numbers.length; i += 8) {
      await sql`
        INSERT INTO outbox (community_id, id, topic, subject_id)
        SELECT ${community.id}, uuid7(), 'payment.refunded', m.id
        FROM identity i JOIN member m ON m.account_id = i.account_id
        WHERE i.subject = ${numbers[i]}`;
    }
  });
  await eventually(() => victims() > victimHears + 5, 180_000);
  await victim.kill();
  slow = false;
  await happens;
  const heard = () => new Set(sms.calls.slice(before).map(({ text }) => JSON.parse(text).to)).size;
  await eventually(async () => heard() === numbers.length || (await left(sql, who)) <= 32, 180_000);
  await eventually(async () => {
    await sql`UPDATE delivery SET due_at = now() WHERE due_at < now() + interval '29 seconds'`;
    return (await left(sql, who)) === 0; // as if the dead one's leases had run out
  }, 180_000);
  await allSent(sql, who);
  const ids = new Set();
  let again = 0;
  for (const number of numbers) {
    const all = sms.calls.filter(({ text }) => JSON.parse(text).to === number);
    expect(all.length).atLeast(1);
    for (const one of all) {
      expect(one.headers['idempotency-key']).is(JSON.parse(one.text).id);
      expect(one.text).is(all[0].text); // a second time it is the same, under the same id
      ids.add(one.headers['idempotency-key']);
    }
    again += all.length > 1;
  }
  expect(ids.size).is(numbers.length);
  expect(again).atLeast(1); // the story is about this: some were taken, and nobody noted it
  await mail.stop();
  await sms.stop();
});
