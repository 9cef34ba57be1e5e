import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environment, urlOf } from './lib/database.mjs';
import { openSession, SECRET } from './lib/tokens.mjs';
import { expect, PATIENCE, story } from './lib/story.mjs';

export const server = { template: 'demo' };
const job = JSON.parse(process.env.LYCEUM_STORY);

async function environmentOf(sql, more) {
  const [{ name }] = await sql`SELECT current_database() AS name`;
  return environment(urlOf(process.env.LYCEUM_TEST_PG, name), job.out, more);
}

async function load(sql) {
  const env = await environmentOf(sql);
  const run = spawnSync(job.server, ['demo', '--json'], { env, encoding: 'utf8' });
  expect(run.status).is(0, run.stdout + run.stderr);
  return JSON.parse(run.stdout);
}

/** `lyceum serve --demo` on a port of its own, and all it says until it serves. */
async function serveDemo(sql) {
  const env = await environmentOf(sql, { PORT: '0' });
  const stdio = ['ignore', 'pipe', 'ignore'];
  const child = spawn(job.server, ['serve', '--demo'], { env, stdio });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  for (let i = 0; i < 4800 && !/^Lyceum serves on/m.test(said); i++) await sleep(25);
  return { child, said };
}

const linesOf = (said) => said.split('\n').filter((line) => line.startsWith('B=http'));
const paste = (line) => spawnSync('sh', ['-c', line], { encoding: 'utf8' }).stdout;

story('The three lines that make run prints work as pasted, again and again', async ({ sql }) => {
  const { child, said } = await serveDemo(sql);
  try {
    const lines = linesOf(said);
    expect(lines.length).is(3);
    for (const line of lines) expect(/jq|python|node/.test(line)).is(false);
    for (let again = 0; again < 3; again++) {
      const [redeemed, listed, checkedIn] = lines.map((line) => JSON.parse(paste(line)));
      expect(redeemed).matches({ membership: 'active', code_hint: /…$/ });
      expect(listed.data.length).is(5);
      expect(listed.data[0]).matches({ status: 'scheduled', title: { en: /Reading room/ } });
      expect(checkedIn).matches({ state: 'present', lecture_id: listed.data[0].id });
    }
    for (const who of ['owner', 'operator', 'lecturer', 'member', 'newcomer']) {
      expect(said.includes(`${who}@kaiyou.example`)).isTrue(who);
    }
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});

story('They work after visitors have done what they could', async ({ sql }) => {
  const [{ id }] = await sql`SELECT id FROM community WHERE slug = 'kaiyou'`;
  await sql`
    UPDATE lecture SET status = 'cancelled', cancelled_at = now(), cancel_reason = 'A prank'
    WHERE community_id = ${id} AND upper(during) > now() AND closed_at IS NULL`;
  await sql`UPDATE invite_code SET revoked_at = now() WHERE community_id = ${id}`;
  await sql`
    UPDATE member SET state = 'banned', state_reason = 'A prank', state_by = id
    WHERE community_id = ${id} AND role = 'member'`;
  await sql`
    UPDATE entitlement SET voided_at = now(), void_reason = 'A prank' WHERE community_id = ${id}`;
  await load(sql);
  const { child, said } = await serveDemo(sql);
  try {
    const [redeemed, , checkedIn] = linesOf(said).map((line) => JSON.parse(paste(line)));
    expect(redeemed.membership).is('active');
    expect(checkedIn.state).is('present');
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});

story('Loading twice adds nothing, and takes little time', async ({ sql }) => {
  await load(sql);
  const count = () => sql`
    SELECT (SELECT count(*)::int FROM account) AS accounts,
      (SELECT count(*)::int FROM member) AS members,
      (SELECT count(*)::int FROM lecture) AS lectures,
      (SELECT count(*)::int FROM attendance) AS marks,
      (SELECT count(*)::int FROM entitlement) AS spans,
      (SELECT count(*)::int FROM invite_code) AS codes,
      (SELECT count(*)::int FROM job) AS jobs,
      (SELECT count(*)::int FROM lecturer) AS lecturers,
      (SELECT count(*)::int FROM venue) AS venues,
      (SELECT count(*)::int FROM plan) AS plans`;
  const before = await count();
  const began = Date.now();
  const { codes } = await load(sql);
  expect(Date.now() - began).atMost(10_000 * PATIENCE);
  expect(await count()).is(before);
  expect(codes.includes('KAIYOU2026')).isTrue();
  expect(codes.some((code) => /^\w{5}-\w{5}-\w{5}$/.test(code))).isTrue();
  expect(before[0].marks).atLeast(200);
});

story('One lecture is on at any time of the coming two weeks', async ({ sql, api }) => {
  const [{ id }] = await sql`SELECT id FROM community WHERE slug = 'kaiyou'`;
  const gaps = await sql`
    SELECT t FROM generate_series(now(), now() + interval '13 days', interval '17 minutes') AS t
    WHERE NOT EXISTS (SELECT FROM lecture l WHERE l.community_id = ${id}
      AND l.status = 'scheduled' AND l.during @> t AND l.audience = 'members')`;
  expect(gaps).is([]);
  const lectures = await api.get('/v1/communities/kaiyou/lectures', { query: { limit: 100 } });
  expect(lectures).status(200);
  for (const one of lectures.body.data) {
    expect(one.title).matches({ en: /./, 'zh-CN': /./ });
    expect(one.time_zone).is('Asia/Shanghai');
  }
  expect(await api.get('/v1/communities/kaiyou/lecturers'))
    .status(200)
    .body({ has_more: false });
});

story('The schedule moves on by itself', async ({ sql }) => {
  const [{ id }] = await sql`SELECT id FROM community WHERE slug = 'kaiyou'`;
  const last = async () =>
    (await sql`SELECT max(start_at) AS at FROM lecture WHERE community_id = ${id}`)[0].at;
  const kept = await last();
  await sql`
    DELETE FROM job WHERE community_id = ${id} AND kind = 'close_lecture'`;
  await sql`
    DELETE FROM lecture l WHERE community_id = ${id} AND start_at > now() + interval '5 days'`;
  await sql`UPDATE job SET run_at = now() WHERE community_id = ${id} AND kind = 'demo_schedule'`;
  for (let i = 0; i < 900 && (await last()) < kept; i++) await sleep(100);
  expect((await last()) >= kept).isTrue('the job has put them back');
});

story('A community of that name that is no demo is left alone', async ({ sql, forge, api }) => {
  expect(SECRET.length).is(64);
  await sql`UPDATE community SET demo = false WHERE slug = 'kaiyou'`;
  const env = await environmentOf(sql);
  const run = spawnSync(job.server, ['demo'], { env, encoding: 'utf8' });
  expect(run.status).is(1);
  expect(/left alone/.test(run.stderr)).isTrue(run.stderr);
  await sql`UPDATE community SET demo = true WHERE slug = 'kaiyou'`;
  const [owner] = await sql`
    SELECT m.id, m.account_id AS account, m.role, m.community_id FROM member m
    JOIN community c ON c.id = m.community_id
    WHERE c.slug = 'kaiyou' AND m.role = 'owner' LIMIT 1`;
  const person = await openSession(sql, forge, { ...owner, community: { id: owner.community_id } });
  const [past] = await sql`
    SELECT lecture_id AS id FROM attendance a JOIN lecture l ON l.id = a.lecture_id
    WHERE a.community_id = ${owner.community_id} AND l.closed_at IS NOT NULL LIMIT 1`;
  expect(await api.as(person).get(`/v1/lectures/${past.id}/attendance/summary`))
    .status(200)
    .body({ roster: (n) => n >= 10, unmarked: 0 });
});

story("The README's tutorial works line by line", async ({ sql }) => {
  const { child, said } = await serveDemo(sql);
  try {
    const here = /Lyceum serves on (\S+)/.exec(said)[1];
    const [tutorial] = readFileSync('README.md', 'utf8').split('## Tutorial')[1].split('\n## ');
    const lines = tutorial
      .split('\n')
      .filter((line) => line.startsWith('    '))
      .map((line) => line.trim().replaceAll('http://127.0.0.1:8080', here))
      .map((line) => line.replaceAll('/tmp/session.json', join(job.out, 'tutorial.json')));
    expect(lines.length).atLeast(9);
    const script = lines.map((line) => `${line}\necho; echo ---`).join('\n');
    const pasted = spawnSync('sh', ['-c', script.replace('build/lyceum', job.server)], {
      encoding: 'utf8',
    });
    const answers = pasted.stdout.split('\n---\n').map((text) => text.trim());
    const json = answers.filter((text) => text.startsWith('{')).map((text) => JSON.parse(text));
    const [session, schedule, redeemed, membership, slip, batch, batches] = json;
    expect(session).matches({ token_type: 'Bearer', access_token: /^ey/ });
    expect(schedule.data.length).atLeast(5);
    expect(redeemed).matches({ membership: 'active' });
    expect(membership).matches({ active: true, status: 'active' });
    expect(slip).matches({ code: 'body_invalid', title: '部分字段有误' });
    expect(batch).matches({ id: /^[0-9a-f-]{36}$/ });
    expect(batches.data[0]).matches({ count: 1000 });
    expect(json.at(-1)).matches({ amount_minor: 36500, pay_url: /\/pay\/test\/kaiyou\// });
    expect(answers.at(-2)).matches(/migrate/);
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});
