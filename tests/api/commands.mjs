// The command line, on the story's own database, beside a server that runs on it.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, expect, PASSWORD, staleFor, story, uuid7 } from './lib/story.mjs';

/** A plan for codes to give. */
async function makePlan(sql, community) {
  const product = uuid7();
  const words = JSON.stringify({ en: 'Membership' });
  await sql`INSERT INTO product (community_id, id, slug, kind, name)
            VALUES (${community.id}, ${product}, 'membership', 'membership', ${words})`;
  await sql`INSERT INTO plan (community_id, id, product_id, slug, version, name, price_minor,
                              currency, period_unit, period_count)
            VALUES (${community.id}, ${uuid7()}, ${product}, 'year', 1, ${words}, 19900, 'CNY',
                    'year', 1)`;
}

const minted = async (sql, batch) =>
  Number((await sql`SELECT count(*) FROM invite_code WHERE batch_id = ${batch}`)[0].count);

story('A migrated database needs nothing, whoever asks at the same time', async ({ lyceum }) => {
  const runs = await Promise.all([1, 2, 3].map(() => lyceum('migrate --json').done));
  for (const { code, json } of runs) {
    expect(code).is(0);
    expect(json).is({ applied: 0, signing_key: null });
  }
  expect((await lyceum('migrate --check').done).code).is(0);
});

story('What does not fit together is refused, with what to do', async ({ lyceum, sql }) => {
  const [{ name, sha256 }] = await sql`SELECT * FROM lyceum_migration ORDER BY name LIMIT 1`;
  await sql`UPDATE lyceum_migration SET sha256 = 'x' WHERE name = ${name}`;
  for (const words of ['migrate', 'migrate --check', 'serve']) {
    const { code, err } = await lyceum(words).done;
    expect(code).is(1);
    expect(err).matches(/was changed after the database had applied it.*write a new migration/);
  }
  await sql`UPDATE lyceum_migration SET sha256 = ${sha256} WHERE name = ${name}`;

  await sql`INSERT INTO lyceum_migration VALUES ('9999_later', 'x', now(), 1)`;
  expect((await lyceum('migrate').done).err).matches(/does not know: a newer version was here/);
  await sql`DELETE FROM lyceum_migration WHERE name = '9999_later'`;

  const [gone] = await sql`DELETE FROM lyceum_migration WHERE name = (
    SELECT max(name) FROM lyceum_migration) RETURNING *`;
  expect((await lyceum('migrate --check').done).err).matches(/1 migrations are missing/);
  expect((await lyceum('serve').done).err).matches(/lacks 1 migrations: run `lyceum migrate`/);
  await sql`INSERT INTO lyceum_migration
            VALUES (${gone.name}, ${gone.sha256}, ${gone.applied_at}, ${gone.took_ms})`;
});

story('Every command explains itself', async ({ lyceum }) => {
  const overview = await lyceum('--help').done;
  expect(overview.code).is(0);
  const names = [...overview.out.matchAll(/^ {2}(\w+(?: \w+)?) {2,}/gm)].map(([, name]) => name);
  expect(names.length).atLeast(15);
  for (const name of names) {
    const { code, out } = await lyceum(`${name} --help`).done;
    expect(code).is(0);
    expect(out).matches(new RegExp(`^Usage: lyceum ${name}`));
  }
  const keys = await lyceum('keys --help').done;
  expect(keys.code).is(0);
  expect(keys.out).matches(/lyceum keys list[^]*lyceum keys rotate/);
  expect((await lyceum('keys').done).code).is(2);
  expect((await lyceum('nonsense').done).code).is(2);
  expect((await lyceum('migrate --nonsense').done).code).is(2);
  expect((await lyceum('migrate', { env: { PORT: 'x' } }).done).err).matches(/PORT=x/);
  expect((await lyceum('version --json').done).json.version).matches(/^\d+\.\d+\.\d+$/);
});

story('bash completes commands, options and values', async ({ lyceum, out }) => {
  const file = join(out, 'completion.bash');
  writeFileSync(file, (await lyceum('completion bash').done).out);
  const complete = (words) =>
    execFileSync('bash', [
      '-c',
      `. ${file}; COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _lyceum;
       echo -n "\${COMPREPLY[*]}"`,
    ]).toString();
  expect(complete('lyceum ke')).is('keys');
  expect(complete('lyceum keys r')).is('rotate retire');
  expect(complete('lyceum codes export --b')).is('--batch');
  expect(complete('lyceum admin create --role op')).is('operator');
});

story('A secret is never shown', async ({ lyceum }) => {
  const env = { DATABASE_URL: 'postgresql://owner:hunter2@h/d' };
  const { out } = await lyceum('config', { env }).done;
  expect(out).matches(/postgresql:\/\/owner:\*\*\*@h\/d/);
  const said = await lyceum('config --json', {
    env: { DATABASE_URL: "host=h password='hunter2 more' user=o" },
  }).done;
  expect(said.out.includes('hunter2')).is(false);
  expect(said.out.includes('more')).is(false);
});

story('A community and its owner are made, who then signs in', async ({ lyceum, api, random }) => {
  const slug = `made-${random()}`;
  const make = ['community', 'create', '--slug', slug, '--name-zh', '开友', '--name-en', 'Kaiyou'];
  expect((await lyceum([...make, '--kind', 'training', '--json']).done).json.slug).is(slug);
  expect((await lyceum(make).done).err).matches(/is taken/);
  expect((await lyceum([...make, '--zone', 'Mars/Base']).done).err).matches(/no such time zone/);
  expect((await lyceum([...make, '--kind', 'sect']).done).code).is(2);
  const { data } = (await lyceum('community list --json').done).json;
  expect(data.some((made) => made.slug === slug)).is(true);

  const email = `Owner-${random()}@example.org`;
  const admin = ['admin', 'create', '--community', slug, '--email', email, '--password-stdin'];
  expect((await lyceum(admin, { input: 'short\n' }).done).code).is(2);
  expect((await lyceum(admin, { input: `${PASSWORD}\n` }).done).code).is(0);
  const session = await api.post(`/v1/communities/${slug}/sessions`, {
    login: email.toLowerCase(),
    password: PASSWORD,
  });
  expect(session).status(201);
  expect(session.body.member.role).is('owner');

  const lower = await lyceum([...admin, '--role', 'operator'], { input: `${PASSWORD}\n` }).done;
  expect(lower.err).matches(/the owner who keeps the community: appoint another one first/);
  admin[5] = `second-${random()}@example.org`;
  expect((await lyceum(admin, { input: `${PASSWORD}\n` }).done).code).is(0);
});

story('Minting that is killed goes on where it was', async ({ lyceum, community, sql }) => {
  await makePlan(sql, community);
  const words = `codes generate --community ${community.slug} --json`;
  const first = lyceum(`${words} --plan year --days 30 -n 300000`);
  const batch = await eventually(async () => {
    const [row] = await sql`SELECT id FROM job WHERE done > 0 AND community_id = ${community.id}`;
    return row?.id;
  });
  expect((await first.kill('SIGKILL')).signal).is('SIGKILL');
  const [{ done, state, n }] = await sql`
    SELECT done, state, (SELECT count(*)::int FROM invite_code WHERE batch_id = j.id) AS n
    FROM job j WHERE id = ${batch}`;
  expect(state).is('running');
  expect(done).atLeast(1).atMost(299_999);
  expect(n).is(done);

  // Three go on at once, beside the server: they must not mint one code too many.
  const runs = await Promise.all([1, 2, 3].map(() => lyceum(`${words} --resume`).done));
  for (const { code } of runs) expect(code).is(0);
  expect(await minted(sql, batch)).is(300_000);
  const [job] = await sql`SELECT state, done, taken_until FROM job WHERE id = ${batch}`;
  expect(job).is({ state: 'done', done: 300_000, taken_until: null });
});

story('The server works off a job that nobody else does', async ({ lyceum, community, sql }) => {
  await makePlan(sql, community);
  const words = `codes generate --community ${community.slug} --plan year`;
  const run = lyceum(`${words} -n 300000`);
  await eventually(async () => {
    const [row] = await sql`SELECT done FROM job WHERE community_id = ${community.id}`;
    return row?.done > 0;
  });
  const { code, err } = await run.kill('SIGINT'); // gives the job back
  expect(code).is(1);
  expect(err).matches(/stopped at \d+ of 300000/);
  await eventually(async () => {
    const [row] = await sql`SELECT state FROM job WHERE community_id = ${community.id}`;
    return row.state === 'done';
  }, 600_000);
  const [{ id }] = await sql`SELECT id FROM code_batch WHERE community_id = ${community.id}`;
  expect(await minted(sql, id)).is(300_000);
});

story('Codes are exported once for all, and can be redeemed', async (context) => {
  const { lyceum, community, sql, people, api, out } = context;
  await makePlan(sql, community);
  const generate = `codes generate --community ${community.slug} --plan year --json`;
  const { json } = await lyceum(`${generate} -n 12000 --days 30`).done;
  expect(json.count).is(12_000);
  expect((await lyceum(`${generate} -n 0`).done).code).is(2);
  const planless = generate.replace('year', 'none');
  expect((await lyceum(`${planless} -n 1`).done).json.error).matches(/no such plan/);
  expect((await lyceum(`${generate} -n 1 --valid-until 2020-01-01T00:00:00Z`).done).code).is(1);

  const file = join(out, `codes-${community.slug}.csv`);
  const words = `codes export --community ${community.slug} --batch ${json.batch}`;
  expect((await lyceum(`${words} -o ${file}`).done).code).is(0);
  expect(statSync(file).mode & 0o777).is(0o600);
  const lines = readFileSync(file, 'utf8').split('\r\n');
  expect(lines[0]).is('\uFEFFcode,status,max_uses,used,valid_from,valid_until');
  const codes = lines.slice(1, -1).map((line) => line.split(',')[0]);
  expect(new Set(codes).size).is(12_000);
  expect(codes.every((code) => /^[0-9A-Z]{5}(-[0-9A-Z]{5}){2}$/.test(code))).is(true);
  const [audit] = await sql`SELECT via, target_id FROM audit_log
                            WHERE community_id = ${community.id} AND action = 'code_batch.export'`;
  expect(audit).is({ via: 'cli', target_id: json.batch });

  const member = await people.member();
  expect(await api.as(member).post('/v1/redemptions', { code: codes[7] })).status(201);
  expect((await lyceum(words).done).out).matches(new RegExp(`${codes[7]},sold_out,1,1,`));

  const elsewhere = await context.another();
  const stolen = `codes export --community ${elsewhere.slug} --batch ${json.batch}`;
  expect((await lyceum(stolen).done).err).matches(/no such batch/);
});

story('Keys rotate and nobody is signed out; a retired one ends at once', async (context) => {
  const { lyceum, people, api } = context;
  const kids = async () => (await api.get('/.well-known/jwks.json')).body.keys.map((k) => k.kid);
  const [before] = await kids();
  expect((await lyceum(`keys retire ${before}`).done).err).matches(/only key that signs/);
  const member = await people.member();
  expect(await api.as(member).get('/v1/me')).status(200);
  expect((await lyceum('keys rotate --at 0s').done).code).is(0);
  await eventually(async () => (await kids()).length === 2);
  expect(await api.as(member).get('/v1/me')).status(200);
  expect((await lyceum(`keys retire ${before}`).done).code).is(0);
  await eventually(async () => (await kids()).length === 1);
  const me = () => api.as(member).get('/v1/me');
  expect(await staleFor(performance.now(), me, ({ status }) => status === 401)).atMost(1000);
  expect(await me()).problem('token_invalid', 401);
  expect((await lyceum('keys retire nonsense').done).err).matches(/no key nonsense/);
});

story('The doctor finds what is wrong', async ({ lyceum, out }) => {
  const env = { LYCEUM_SMTP_URL: 'smtp://127.0.0.1:25' };
  const well = await lyceum('doctor --json', { env }).done;
  const bad = well.json.checks.filter(({ finding }) => finding === 'bad').map((c) => c.check);
  // The tests' PostgreSQL forgets fsync on purpose; a small machine may have few file descriptors.
  expect(bad.filter((check) => !['durability', 'open files', 'disk'].includes(check))).is([]);
  const ill = await lyceum('doctor', { env: { LYCEUM_SECRET_FILE: join(out, 'nowhere') } }).done;
  expect(ill.code).is(1);
  expect(ill.out).matches(/^bad +secret .*nowhere: No such file/m);
  expect(ill.out).matches(/^bad +mail /m);
});

story('The doctor reads the files that settings name, as the server would', async (stage) => {
  const { lyceum, launch, out } = stage;
  const nowhere = join(out, 'nowhere.crt');
  const empty = join(out, 'empty.crt');
  writeFileSync(empty, 'nothing\n');
  for (const [file, why] of [
    [nowhere, /nowhere\.crt: No such file/],
    [empty, /empty\.crt: certificates in PEM are expected/],
  ]) {
    const env = { LYCEUM_CA_FILE: file };
    const { out: said } = await lyceum('doctor', { env }).done;
    expect(said).matches(new RegExp(`^bad +files .*${why.source}`, 'm'));
    const server = launch(env);
    await server.ended;
    server.killed = true; // it is to end with 1
    expect([server.code, why.test(server.said)]).is([1, true]);
  }
});
