// What answers say besides their body: to whom they may be kept, that pages run nothing, and that
// who came by TLS stays with it.
import { expect, PASSWORD, story } from './lib/story.mjs';
import { School } from './lib/school.mjs';

export const server = { env: { LYCEUM_PACE_SCALE: '1000' } };

const HSTS = 'strict-transport-security';

story('Pages run no script, load nothing, and are framed by nobody', async ({ api }) => {
  for (const path of ['/', '/docs', '/docs/problems', '/mailbox']) {
    const page = await api.get(path);
    expect(page)
      .status(200)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer');
    const policy = Object.fromEntries(
      page.header('content-security-policy').split(';').map((one) => {
        const [name, ...sources] = one.trim().split(' ');
        return [name, sources.join(' ')];
      }),
    );
    expect(policy).matches({
      'default-src': "'none'",
      'base-uri': "'none'",
      'frame-ancestors': "'none'",
      'form-action': "'self'",
    });
    expect(policy['script-src'] ?? "'none'").is("'none'");
    expect(/<script|\son\w+=|javascript:/i.test(page.text)).is(false, path);
  }
});

story('A picture runs nothing, either', async (stage) => {
  const school = new School(stage);
  const operator = stage.api.as(await school.person('operator'));
  const path = `/v1/lectures/${await school.lecture(-1)}/check-in-code.svg`;
  expect(await operator.get(path))
    .status(200)
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('cache-control', 'no-store');
});

/** What is the same for all may be kept when it is asked about; all else may not be kept. */
story('Only what anybody may see can be kept by a cache', async (stage) => {
  const { api, community } = stage;
  const operator = await new School(stage).person('operator');
  const { body } = await api.get('/openapi.json');
  const seen = { kept: 0, not: 0 };
  for (const [path, { get }] of Object.entries(body.paths)) {
    if (!get || /\{(id|member_id)\}/.test(path)) continue;
    const target = path.replace('{slug}', community.slug);
    const reply = await api.as(operator).get(target, { unchecked: true });
    const control = reply.header('cache-control');
    if (get['x-who'] !== 'anyone') expect(control).is('no-store', path);
    expect(['no-store', 'public, no-cache'].includes(control)).isTrue(`${path}: ${control}`);
    seen[control === 'no-store' ? 'not' : 'kept']++;
  }
  expect(seen.kept).atLeast(8);
  expect(seen.not).atLeast(20);
});

story('Answers with tokens in them are not kept, nor are refusals', async (stage) => {
  const { api, community, people } = stage;
  const ann = await people.member();
  const into = `${community.path}/sessions`;
  const good = await api.post(into, { login: ann.email, password: PASSWORD });
  const next = await api.post('/v1/sessions/refresh', { refresh_token: good.body.refresh_token });
  const replies = [
    [good, 201],
    [next, 200],
    [await api.as(ann).post('/v1/me/exports'), 200],
    [await api.post(into, { login: ann.email, password: 'another' }), 401],
    [await api.get(`/v1/communities/nowhere/lectures`), 404],
    [await api.get('/v1/nothing'), 404],
    [await api.get('/v1/me'), 401],
  ];
  for (const [reply, status] of replies)
    expect(reply).status(status).header('cache-control', 'no-store');
});

story('Who came by TLS is told to stay with it; nobody else', async ({ api, start }) => {
  const told = async (at, proto, path = '/healthz') => {
    const headers = proto ? { 'X-Forwarded-Proto': proto } : {};
    return (await api.on(at).get(path, { headers, unchecked: true })).header(HSTS);
  };
  const year = 'max-age=31536000';
  const alone = await start();
  expect(await told(alone)).is(undefined);
  expect(await told(alone, 'https')).is(undefined, 'nobody was told to believe it');
  const behind = await start({ LYCEUM_TRUSTED_PROXIES: '127.0.0.0/8' });
  expect(await told(behind)).is(undefined);
  expect(await told(behind, 'http')).is(undefined);
  for (const path of ['/healthz', '/docs', '/v1/me', '/v1/nothing'])
    expect(await told(behind, 'https', path)).is(year, path);
  const other = await start({ LYCEUM_TRUSTED_PROXIES: '10.0.0.0/8' });
  expect(await told(other, 'https')).is(undefined, 'the peer is no proxy of ours');
  const secure = await start({ LYCEUM_PUBLIC_URL: 'https://lyceum.test' });
  for (const path of ['/healthz', '/docs', '/v1/me', '/v1/nothing'])
    expect(await told(secure, null, path)).is(year, path);
});
