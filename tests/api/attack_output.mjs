// What people write, shown again: refused where it could pose as something else, and harmless
// wherever it comes out.
import { eventually, expect, startMailServer, story } from './lib/story.mjs';
import { World } from './lib/world.mjs';

export const server = { env: { LYCEUM_PACE_SCALE: '100000' } };

// Whoever of these is let through poses as a line, a name or a file that it is not.
const POSING = {
  'a bell': 'a\u0007b',
  NUL: 'a\u0000b',
  'a header break': 'a\r\nBcc: eve@example.org',
  'a carriage return': 'a\rb',
  'an escape sequence': 'a\u001b[31mb',
  'a C1 control': 'a\u0085b',
  'an override': 'a\u202egpj.exe',
  'an isolate': 'a\u2066b',
  'a mark': 'a\u200fb',
};
const SCRIPT = '<script>alert(1)</script><img src=x onerror=alert(1)>"\'&';
const FORMULAS = ['=1+1', '+1', '-1', '@SUM(A1)', '=HYPERLINK("http://evil.test","x")'];
/** Never shown again, so what is in them is their owner's: passwords and proofs. */
const SECRETS = new Set(['password', 'current_password', 'new_password', 'refresh_token', 'code']);

const isText = ({ type, format, pattern, enum: choices }) =>
  [type].flat().includes('string') && !format && !pattern && !choices;
const isWords = ({ properties }) => properties?.en !== undefined;

/** Every text of a body: where it stands, and a body with something else there. */
function textsOf(schema, body) {
  return Object.entries(schema.properties).flatMap(([name, one]) => {
    if (isWords(one))
      return ['en', 'zh-CN'].map((tongue) => ({
        pointer: `/${name}/${tongue}`,
        put: (text) => ({ ...body, [name]: { en: 'x', [tongue]: text } }),
      }));
    if (!isText(one)) return [];
    return [{ name, pointer: `/${name}`, put: (text) => ({ ...body, [name]: text }) }];
  });
}

story('No text that people write holds control or bidirectional characters', async (stage) => {
  const { api } = stage;
  const world = await new World(stage).open();
  const { body: document } = await api.get('/openapi.json');
  const wrong = [];
  let tried = 0;
  for (const [path, verbs] of Object.entries(document.paths)) {
    for (const [method, op] of Object.entries(verbs)) {
      const schema = op.requestBody?.content['application/json']?.schema;
      if (!schema) continue;
      const name = op.operationId;
      const parameters = await world.parameters(path, world.keeper);
      const target = path.replace(/\{(\w+)\}/g, (_, one) => parameters[one]);
      const good = await world.body(name, parameters, world.keeper);
      const caller = api.as(op['x-who'] === 'anyone' ? null : world.keeper);
      for (const text of textsOf(schema, good)) {
        const shown = name === 'code_redeem' || name === 'check_in' || name === 'code_create';
        if (SECRETS.has(text.name) && !shown) continue;
        for (const [what, posing] of Object.entries(POSING)) {
          const reply = await caller.send(method.toUpperCase(), target, text.put(posing));
          // NUL is no text at all: the body is refused as a whole.
          const named = reply.body?.errors?.some(({ pointer }) => pointer === text.pointer);
          const refused = what === 'NUL' ? [400, 422].includes(reply.status) : named;
          if (!refused) wrong.push(`${name}${text.pointer} takes ${what}: ${reply.status}`);
          tried++;
        }
      }
    }
  }
  console.log(`      ${tried} texts`);
  expect(tried).atLeast(200);
  expect(wrong).is([]);
});

story('Scripts and formulas come out as text: JSON, CSV, file names', async (stage) => {
  const { api } = stage;
  const world = await new World(stage).open();
  const keeper = api.as(world.keeper);
  const nasty = [SCRIPT, ...FORMULAS];
  const members = [];
  for (const name of nasty) {
    const member = await world.entitled();
    const reply = await api.as(member).patch('/v1/me', { display_name: name, bio: name });
    expect(reply).status(200).body({ display_name: name, bio: name });
    expect(reply).header('content-type', 'application/json');
    expect(reply).header('x-content-type-options', 'nosniff');
    members.push(member);
  }
  const title = `x\nSet-Cookie: a=b; filename="../../etc/passwd" ${SCRIPT}`;
  const id = await world.talk(-1, { title });
  for (const { id: member } of members) {
    await world.mark(id, member);
    const excuse = { state: 'excused', excuse: '=cmd|calc', reason: 'Ill' };
    const path = `/v1/lectures/${id}/attendance/${member}`;
    expect(await keeper.put(path, excuse)).status(200);
  }
  const file = await keeper.get(`/v1/lectures/${id}/attendance.csv`);
  expect(file)
    .status(200)
    .header('content-type', /^text\/csv/)
    .header('set-cookie', null)
    .header('content-disposition', /^attachment; [\x21-\x7e ]+$/);
  // After the type there are two names, the second one percent-encoded, and nothing else.
  const disposition = file.header('content-disposition');
  expect(disposition).matches(/^attachment; filename="[\w.~-]*"; filename\*=UTF-8''[\w.~%-]*$/);
  expect(/%(0|1|2F|5C|3[ACEF]|7[CF])/.test(disposition)).is(false, disposition);
  const comma = /,(?=(?:[^"]*"[^"]*")*[^"]*$)/; // outside of quotes
  const cells = file.text.split(/[\r\n]+/).flatMap((line) => line.split(comma));
  for (const cell of cells) expect(/^"?[=+\-@\t\r]/.test(cell)).is(false, cell);
  for (const formula of FORMULAS)
    expect(file.text.includes(`'${formula.replaceAll('"', '""')}`)).isTrue(formula);

  expect(await keeper.get('/v1/members', { query: { q: SCRIPT } }))
    .status(200)
    .header('content-type', 'application/json')
    .body({ data: [{ display_name: SCRIPT }] });
  const lost = await api.get(`/v1/${encodeURIComponent(SCRIPT)}`);
  expect(lost).problem('not_found', 404).header('x-content-type-options', 'nosniff');
});

story('A community’s name runs nowhere: pages, mail', async (stage) => {
  const { api, community, sql, start, random } = stage;
  const name = `Eve <script>alert(1)</script>\r\nBcc: eve@example.org\r\n\r\n<img src=x>`;
  await sql`UPDATE community SET name = ${JSON.stringify({ en: name, 'zh-CN': name })}
            WHERE id = ${community.id}`;
  const ask = (at, contact) =>
    api.on(at).post(`${community.path}/challenges`, { contact, purpose: 'sign_up' });
  const boxed = `boxed-${random()}@example.org`;
  expect(await ask(stage.server, boxed)).status(202);
  await stage.mailbox.code(boxed);
  for (const path of [`/mailbox?to=${boxed}`, `/mailbox?to=${encodeURIComponent(SCRIPT)}`]) {
    const page = await api.get(path, { unchecked: true });
    expect(page).status(200).header('content-security-policy', /default-src 'none'/);
    expect(/<script|<img/i.test(page.text)).is(false, path);
  }

  const post = await startMailServer();
  const sending = await start({
    LYCEUM_DEMO: '0',
    LYCEUM_SMTP_URL: post.url,
    LYCEUM_SMTP_TLS: '0',
    LYCEUM_MAIL_FROM: 'hall@example.org',
  });
  // Both servers deliver, the other one into the mailbox: it stands still meanwhile.
  stage.server.child.kill('SIGSTOP');
  let mail;
  try {
    expect(await ask(sending, `sent-${random()}@example.org`)).status(202);
    [mail] = await eventually(() => post.mails.length && post.mails);
  } finally {
    stage.server.child.kill('SIGCONT');
  }
  const head = mail.text.split('\r\n\r\n')[0];
  expect(/^(bcc|cc):/im.test(head)).is(false, head);
  expect(mail.to.length).is(1);
  expect(/<script|<img/i.test(mail.text.split(/text\/html/)[1] ?? '')).is(false, mail.text);
  await post.stop();
});
