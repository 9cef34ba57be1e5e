// docs/WEBHOOKS.md, followed line by line: its shell runs as pasted, against its receiver.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, story } from './lib/story.mjs';
import { freePort } from './lib/port.mjs';

export const server = { template: 'demo', env: { LYCEUM_WEBHOOK_PRIVATE: '1' } };

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const page = read('../../docs/WEBHOOKS.md');
const blocks = (language) =>
  [...page.matchAll(new RegExp('```' + language + '\\n([^]*?)```', 'g'))].map(([, text]) => text);

story('The guide to webhooks does what it says', async (stage) => {
  const port = await freePort();
  const here = (text) =>
    text.replaceAll('127.0.0.1:8080', `127.0.0.1:${stage.server.port}`)
      .replaceAll(/\b9000\b/g, String(port));
  const folder = mkdtempSync(join(tmpdir(), 'lyceum-guide-'));
  const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
  symlinkSync(modules, join(folder, 'node_modules'));
  writeFileSync(join(folder, 'receiver.mjs'), here(blocks('js').join('')));
  // Where a reader waits a second, a machine may have to wait longer.
  const up = 'until curl -s -o /dev/null http://127.0.0.1:9000/; do sleep 0.1; done';
  const sent =
    'until curl -s http://127.0.0.1:8080/v1/webhooks/$WEBHOOK/deliveries' +
    ` -H "Authorization: Bearer $OWNER" | grep -q '"state":"delivered"'; do sleep 0.2; done`;
  let waits = 0;
  const pasted = blocks('sh').join('\n')
    .replace(/^npm install .*$/m, 'true')
    .replace(/^sleep 1$/gm, () => (waits++ ? sent : up))
    .replace(/^curl .*\/replay .*$/m, (line) => `${line}\n${sent}`);
  const script = here(pasted);
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    timeout: 300_000,
  });
  for (const secret of stdout.match(/whsec_[\w+/=]+/g)) stage.secret(secret);
  const [id] = /[\w-]{36}(?= webhook\.ping)/.exec(stdout);
  expect(stdout.split(`${id} webhook.ping {`).length).is(2); // once, though it was sent twice
  const [{ webhooks, tries }] = await stage.sql`
    SELECT (SELECT count(*)::int FROM webhook_endpoint WHERE state <> 'removed') AS webhooks,
      (SELECT count(*)::int FROM webhook_attempt WHERE delivery_id = ${id}) AS tries`;
  expect({ webhooks, tries }).is({ webhooks: 0, tries: 2 });
});

story('The guide lists each type of event, and no other', async ({ sql }) => {
  const table = page.slice(page.indexOf('| type | when |'), page.indexOf('An endpoint is told of'));
  const cells = table.split('\n').map((row) => row.split('|')[1] ?? '');
  const listed = cells.flatMap((cell) => cell.match(/`[a-z]+\.[a-z]+`/g) ?? []);
  const there = (await sql`SELECT unnest(webhook_types()) AS type`).map(({ type }) => type);
  const plain = listed.map((type) => type.replaceAll('`', ''));
  expect(plain.sort()).is([...there, 'webhook.ping'].sort());
  const fields = await sql`SELECT type, fields FROM webhook_type`;
  for (const { fields: members } of fields)
    for (const member of members) expect(table.includes(`\`${member}\``)).isTrue(member);
});
