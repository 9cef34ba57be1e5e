import { createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as jose from 'jose';
import { eventually, expect, story, uuid7 } from './lib/story.mjs';

story('Probes answer a monitor', async ({ api }) => {
  expect(await api.get('/healthz'))
    .status(200)
    .text('ok\n')
    .header('content-type', 'text/plain; charset=utf-8')
    .header('cache-control', 'no-store');
  expect(await api.get('/readyz'))
    .status(200)
    .body({ status: 'ready', database: true });
  await eventually(async () => (await api.get('/readyz')).body.listener === true);
});

story('Metrics are OpenMetrics text, and counters count', async ({ api }) => {
  const requests = async () => {
    const reply = await api.get('/metrics');
    expect(reply)
      .status(200)
      .header('content-type', /^application\/openmetrics-text; version=1\.0\.0/)
      .text(/\n# EOF\n$/);
    for (const line of reply.text.trimEnd().split('\n')) {
      expect(line).matches(/^(# (TYPE|HELP|UNIT|EOF)|[a-z_]+(\{[^}]*\})? [0-9.e+-]+$)/);
    }
    return Number(/^lyceum_requests_total (\d+)/m.exec(reply.text)[1]);
  };
  const before = await requests();
  await api.get('/healthz');
  expect(await requests()).atLeast(before + 2);
});

story('The published keys verify a token, with a library that is not ours', async (all) => {
  const { api, people, server } = all;
  const member = await people.member();
  const reply = await api.get('/.well-known/jwks.json');
  expect(reply).status(200).header('content-type', 'application/jwk-set+json');
  for (const jwk of reply.body.keys) {
    expect(jwk).matches({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
    expect('d' in jwk).is(false, 'a private key is published');
    expect(createPublicKey({ key: jwk, format: 'jwk' }).asymmetricKeyType).is('ec');
    expect(await jose.calculateJwkThumbprint(jwk)).is(jwk.kid);
  }
  const keys = jose.createRemoteJWKSet(new URL('/.well-known/jwks.json', server.url));
  const { payload } = await jose.jwtVerify(member.token, keys, {
    typ: 'at+jwt',
    algorithms: ['ES256'],
    maxTokenAge: '15 minutes',
  });
  expect(payload).matches({ sub: member.account, member: member.id, role: 'member' });
  expect(payload.exp - payload.iat).atMost(900);
});

story('The start page and the reference lead on', async ({ api }) => {
  const start = await api.get('/');
  expect(start)
    .status(200)
    .header('content-type', 'text/html; charset=utf-8')
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', /frame-ancestors 'none'/);
  expect(start)
    .text(/href="\/docs"/)
    .text(/href="\/openapi\.json"/)
    .text(/href="\/mailbox"/);
});

story('Whoever finds a weakness learns whom to tell', async ({ api, start }) => {
  const reply = await api.get('/.well-known/security.txt');
  expect(reply).status(200).header('content-type', 'text/plain; charset=utf-8');
  const fields = Object.fromEntries(
    reply.text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/: (.*)/s)),
  );
  expect(fields).matches({ Contact: 'mailto:security@localhost', 'Preferred-Languages': 'zh, en' });
  expect(Date.parse(fields.Expires)).atLeast(Date.now() + 7 * 86_400_000);
  expect(Date.parse(fields.Expires)).atMost(Date.now() + 365 * 86_400_000);
  expect(fields.Canonical).is('http://lyceum.test/.well-known/security.txt');

  const other = await start({ LYCEUM_SECURITY_CONTACT: 'https://example.org/security' });
  const its = await api.on(other).get('/.well-known/security.txt');
  expect(its).text(/^Contact: https:\/\/example\.org\/security\n/);
  await other.stop();
});

story('A password manager finds where a password is changed', async ({ api }) => {
  const reply = await api.get('/.well-known/change-password');
  expect(reply)
    .status(302)
    .header('location', /^\/docs#/)
    .text('');
});

story('Phones ask which app belongs to the server, if any does', async ({ api, start, out }) => {
  const apple = '/.well-known/apple-app-site-association';
  const android = '/.well-known/assetlinks.json';
  expect(await api.get(apple)).problem('not_found', 404);
  expect(await api.get(android)).problem('not_found', 404);

  const links = [{ relation: ['delegate_permission/common.handle_all_urls'] }];
  writeFileSync(join(out, 'apple.json'), JSON.stringify({ applinks: { details: [] } }));
  writeFileSync(join(out, 'links.json'), JSON.stringify(links));
  const server = await start({
    LYCEUM_APPLE_APP_SITE_ASSOCIATION: join(out, 'apple.json'),
    LYCEUM_ASSETLINKS: join(out, 'links.json'),
  });
  const its = api.on(server);
  expect(await its.get(apple))
    .status(200)
    .header('content-type', 'application/json')
    .body({ applinks: { details: [] } });
  expect(await its.get(android))
    .status(200)
    .body(links);
  await server.stop();
});

story('An old app is told to update, and learns where', async (all) => {
  const { api, community, sql, start } = all;
  expect(await api.get('/v1/app-config'))
    .status(200)
    .body({ min_version: null, latest_version: null, languages: ['zh-CN', 'en'] });
  await sql`
    INSERT INTO app_config (community_id, platform, min_version, latest_version, store_url)
    VALUES (${community.id}, 'ios', '1.2.0', '2.0.1', 'https://example.org/app')`;
  const query = { community: community.slug, platform: 'ios' };
  expect(await api.get('/v1/app-config', { query }))
    .status(200)
    .body({
      min_version: '1.2.0',
      latest_version: '2.0.1',
      store_url: 'https://example.org/app',
    });
  query.platform = 'android';
  expect(await api.get('/v1/app-config', { query }))
    .status(200)
    .body({ min_version: null });
  query.community = `no-such-${uuid7()}`;
  expect(await api.get('/v1/app-config', { query })).problem('not_found', 404);

  const server = await start({ LYCEUM_APP_MIN_VERSION: '1.10.0' });
  const app = (version) => api.on(server).with({ 'X-App-Version': version });
  expect(await app('1.9.9').get('/v1/app-config')).problem('app_too_old', 426);
  expect(await app('1.10.0').get('/v1/app-config'))
    .status(200)
    .body({ min_version: '1.10.0' });
  expect(await app('2.0.0').get('/v1/app-config')).status(200);
  expect(await app('what?').get('/v1/app-config')).status(200);
  await server.stop();
});

story('A server that is told to stop says so, finishes, and goes', async ({ api, start }) => {
  const server = await start();
  expect(await api.on(server).get('/readyz')).status(200);
  const began = Date.now();
  expect(await server.stop()).is([]);
  expect(Date.now() - began).atMost(12_000); // not the 15 s of those who won't go
});
