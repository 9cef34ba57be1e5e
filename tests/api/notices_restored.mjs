// After a dump was restored into another PostgreSQL, whose transaction ids begin anew: what the
// guide says to do is done, and notices go out again.
import { readFileSync } from 'node:fs';
import { Receiver } from './lib/hooks.mjs';
import { eventually, expect, story } from './lib/story.mjs';

export const server = { env: { LYCEUM_DEMO: '1', LYCEUM_WEBHOOK_PRIVATE: '1' } };

const read = (page) => readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');

/** The statements that the guide to notices gives for it. */
function statements() {
  const [, rest] = read('NOTICES.md').split('**After restoring a dump into another PostgreSQL');
  const lines = rest.split('\n').filter((line) => line.startsWith('    '));
  return lines.join(' ').split(';').map((one) => one.trim()).filter(Boolean);
}

story('A dump that is restored elsewhere tells of nothing until the guide is followed', async (
  stage,
) => {
  const { sql, people, mailbox, start, lyceum } = stage;
  const ann = await people.member({ name: 'Ann' });
  const tell = () => sql`
    INSERT INTO outbox (community_id, id, topic, subject_id)
    VALUES (${ann.community.id}, uuid7(), 'payment.refunded', ${ann.id})`;
  const told = async () => (await mailbox.all(ann.email)).length;
  const passes = () => new Promise((passed) => setTimeout(passed, 2000));
  const doctor = async () => {
    const { json } = await lyceum('doctor --json').done;
    return json.checks.find(({ check }) => check === 'notices');
  };
  const receiver = await Receiver.open(stage, await people.owner());
  await tell();
  await mailbox.latest(ann.email);
  await receiver.of('payment.refunded');
  expect((await doctor()).finding).is('ok');
  await stage.server.stop();
  // As it comes out of a PostgreSQL that has seen more transactions than this one.
  await sql`UPDATE outbox_cursor SET xid = '900000000000'`;
  await sql`UPDATE outbox SET xid = '900000000000'`;
  await sql`UPDATE webhook_endpoint SET since = '900000000000:900000000000:'`;
  const before = await start();
  await tell();
  await passes();
  expect([await told(), receiver.calls.length]).is([1, 1]);
  expect(await doctor()).matches({ finding: 'bad', detail: /NOTICES\.md/ });
  await before.stop();
  const [reset, since, empty, ...more] = statements();
  expect(more).is([]);
  await sql([reset]);
  await sql`UPDATE outbox SET xid = '1'`; // the endpoint alone is ahead, and is found
  expect((await doctor()).finding).is('bad');
  await sql([since]);
  await sql([empty]);
  expect((await doctor()).finding).is('ok');
  const next = await start();
  await passes();
  expect(await told()).is(1); // what was not told by then is not told any more
  await tell();
  await eventually(async () => (await told()) === 2);
  await eventually(() => receiver.calls.length === 2);
  await receiver.close();
  await next.stop();
  expect(read('OPERATE.md').split('## Backup and restore')[1].split('\n## ')[0]).matches(
    /\(NOTICES\.md#how-each-is-made-once\)/,
  );
});
