// docs/NOTICES.md, followed line by line: its shell runs as pasted.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, story } from './lib/story.mjs';

export const server = { template: 'demo', env: { LYCEUM_PUBLIC_URL: '' } };

const page = readFileSync(new URL('../../docs/NOTICES.md', import.meta.url), 'utf8');
const definitions = readFileSync(new URL('../../gateways/notices.def', import.meta.url), 'utf8');

story('The guide to notices does what it says', async ({ server: { port }, sql }) => {
  const blocks = [...page.matchAll(/```sh\n([^]*?)```/g)].map(([, text]) => text);
  const script = blocks.join('\n').replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`);
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script]);
  expect(stdout.includes('"welcome":"any"')).isTrue(stdout); // as it was
  const chosen = await sql`SELECT notice, way FROM notice_preference ORDER BY notice`;
  expect(chosen).is([
    { notice: 'ended', way: 'mail' },
    { notice: 'welcome', way: 'off' },
  ]);
  const [{ quiet }] = await sql`
    SELECT ARRAY[quiet_from, quiet_until] AS quiet FROM selling_policy JOIN community c
      ON c.id = community_id WHERE c.slug = 'kaiyou'`;
  expect(quiet).is([21, 9]);
});

story('The guide lists each notice, and what it says of each is so', async ({ sql }) => {
  const rows = page.slice(page.indexOf('| Notice |'), page.indexOf('## How')).split('\n');
  const yes = (cell) => cell.trim() === 'yes';
  const listed = rows.flatMap((row) => {
    const [, names = '', , sms, waits, off] = row.split('|');
    const told = (name) => ({ name, sms: yes(sms), waits: yes(waits), off: yes(off) });
    return [...names.matchAll(/`(\w+)`/g)].map(([, name]) => told(name));
  });
  const there = await sql`
    SELECT notice AS name, texts AS sms, waits, EXISTS (
        SELECT FROM pg_constraint WHERE conname = 'notice_preference_notice'
          AND position(quote_literal(notice) IN pg_get_constraintdef(oid)) > 0) AS off
    FROM notice_topic ORDER BY notice`;
  const byName = (a, b) => (a.name < b.name ? -1 : 1);
  expect(listed.sort(byName)).is(there.sort(byName));
  for (const { name } of listed) expect(definitions.includes(`NOTICE(${name},`)).isTrue(name);
});

story('Where no public address is set, a notice leads to the server itself', async (stage) => {
  const { server: here, sql, mailbox } = stage;
  await sql`
    INSERT INTO outbox (community_id, id, topic, subject_id, payload)
    SELECT m.community_id, uuid7(), 'member.joined', m.id, '{}' FROM member m
      JOIN identity i USING (account_id) WHERE i.subject = 'newcomer@kaiyou.example'`;
  const { body } = await mailbox.latest('newcomer@kaiyou.example');
  expect(body.includes(here.url)).isTrue(body);
});
