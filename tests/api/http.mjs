import { gunzipSync } from 'node:zlib';
import { expect, raw, story, uuid7 } from './lib/story.mjs';

const lecture = {
  title: { en: 'On style' },
  local_start: '2030-01-01T19:00',
  time_zone: 'Asia/Shanghai',
  minutes: 90,
};

story('An address that is not there is 404, another method 405 with Allow', async ({ api }) => {
  for (const path of ['/v1', '/v1/', '/nothing', '//', '/v1/lectures/', '/healthz/x', '/docs/']) {
    expect(await api.get(path)).problem('not_found', 404);
  }
  expect(await api.delete('/healthz'))
    .problem('method_not_allowed', 405)
    .header('allow', 'GET, HEAD, OPTIONS');
  expect(await api.put('/v1/lectures', {}))
    .problem('method_not_allowed', 405)
    .header('allow', 'GET, HEAD, POST, OPTIONS');
  expect(await api.send('BREW', '/healthz')).problem('method_not_allowed', 405);
});

story('HEAD gives what GET would, without the body', async ({ api }) => {
  for (const path of ['/healthz', '/openapi.json', '/docs', '/v1/app-config', '/v1/nothing']) {
    const get = await api.get(path);
    const head = await api.head(path);
    expect(head).status(get.status).text('');
    for (const name of ['content-type', 'content-length', 'etag']) {
      expect(head.header(name)).is(get.header(name), `${name} of ${path}`);
    }
  }
});

story('OPTIONS tells the methods; browsers come in by a list of origins', async (all) => {
  const { api, start } = all;
  expect(await api.options('/v1/lectures'))
    .status(204)
    .header('allow', 'GET, HEAD, POST, OPTIONS')
    .header('access-control-allow-origin', null);
  expect(await api.options('/v1/nothing')).problem('not_found', 404);

  const origins = 'https://app.example.org,https://admin.example.org';
  const server = await start({ LYCEUM_CORS_ORIGINS: origins });
  const from = (origin) => api.on(server).with({ Origin: origin });
  const asks = { 'Access-Control-Request-Method': 'POST' };
  expect(await from('https://admin.example.org').options('/v1/lectures', { headers: asks }))
    .status(204)
    .header('access-control-allow-origin', 'https://admin.example.org')
    .header('access-control-allow-methods', /\bPOST\b/)
    .header('access-control-allow-headers', /\bAuthorization\b.*\bIdempotency-Key\b/)
    .header('access-control-max-age')
    .header('access-control-allow-credentials', null)
    .header('vary', /Origin/);
  const good = await from('https://app.example.org').get('/v1/app-config');
  expect(good).status(200).header('access-control-allow-origin', 'https://app.example.org');
  for (const name of ['ETag', 'Link', 'Location', 'Retry-After', 'RateLimit', 'X-Request-Id']) {
    expect(good).header('access-control-expose-headers', new RegExp(`\\b${name}\\b`));
  }
  for (const origin of ['https://evil.example', 'https://app.example.org.evil.example', 'null']) {
    expect(await from(origin).get('/v1/app-config'))
      .status(200)
      .header('access-control-allow-origin', null)
      .header('vary', /Origin/);
  }
  await server.stop();
});

story('Answers are JSON, and who can not take JSON is told', async ({ api }) => {
  const accept = (range) => api.get('/v1/app-config', { headers: { Accept: range } });
  expect(await accept('application/json')).status(200);
  expect(await accept('text/html, */*;q=0.1')).status(200);
  expect(await accept('application/*')).status(200);
  expect(await accept('text/html')).problem('not_acceptable', 406);
  expect(await accept('application/json;q=0')).problem('not_acceptable', 406);
});

story('A body must say that it is JSON', async ({ api, people }) => {
  const her = api.as(await people.lecturer());
  const text = JSON.stringify(lecture);
  for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded']) {
    expect(await her.post('/v1/lectures', raw(text, type)))
      .problem('media_type_unsupported', 415)
      .header('accept-post', 'application/json');
  }
  expect(await her.post('/v1/lectures', raw(text, ''))).problem('media_type_unsupported', 415);
  const patch = await her.patch(
    `/v1/lectures/${uuid7()}`,
    raw('{}', 'application/json-patch+json'),
  );
  expect(patch)
    .problem('media_type_unsupported', 415)
    .header('accept-patch', /application\/merge-patch\+json/);
  const gzipped = raw(text, 'application/json');
  expect(
    await her.post('/v1/lectures', gzipped, { headers: { 'Content-Encoding': 'gzip' } }),
  ).problem('media_type_unsupported', 415);
});

story('A body that is not one JSON text is refused, and says where', async ({ api, people }) => {
  const her = api.as(await people.lecturer());
  const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
  const broken = {
    'a duplicate key': '{"minutes":1,"minutes":2}',
    'a duplicate key inside': '{"title":{"en":"a","en":"b"}}',
    'invalid UTF-8': Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]),
    'an overlong form': Buffer.from([0x22, 0xc0, 0xaf, 0x22]),
    'a lone surrogate': '{"place":"\\ud800"}',
    'a NUL': '{"place":"\\u0000"}',
    'deep nesting': deep,
    'trailing bytes': '{} {}',
    'a cut text': '{"title":',
    'a trailing comma': '{"minutes":1,}',
    'a comment': '{/* no */}',
    'a number out of range': '{"minutes":99999999999999999999}',
    nothing: '',
    'an infinite number': '{"minutes":Infinity}',
  };
  for (const [what, text] of Object.entries(broken)) {
    const reply = await her.post('/v1/lectures', raw(text));
    expect(reply.body?.code).is('body_not_json', `for ${what}`);
    expect(reply).problem('body_not_json', 400);
  }
});

story('All faults of a body are told at once, each with its pointer', async ({ api, people }) => {
  const her = api.as(await people.lecturer());
  const reply = await her.post('/v1/lectures', {
    title: { fr: 'Du style', en: '' },
    local_start: 'tomorrow',
    minutes: 0,
    lecturer_id: 'me',
    audience: 'everybody',
    'a/b~c': 1,
  });
  expect(reply)
    .problem('body_invalid', 422)
    .fault('/title/fr', 'unknown')
    .fault('/title/en', 'too_short')
    .fault('/local_start', 'format')
    .fault('/minutes', 'out_of_range')
    .fault('/lecturer_id', 'format')
    .fault('/audience', 'choice')
    .fault('/time_zone', 'required')
    .fault('/a~1b~0c', 'unknown');
  for (const [body, pointer] of [
    [[], ''],
    ['text', ''],
    [null, ''],
    [{ ...lecture, minutes: '90' }, '/minutes'],
    [{ ...lecture, minutes: 1.5 }, '/minutes'],
    [{ ...lecture, minutes: null }, '/minutes'],
    [{ ...lecture, title: 'On style' }, '/title'],
    [{ ...lecture, place: 'left\u202eright' }, '/place'],
    [{ ...lecture, place: 'two\nlines' }, '/place'],
    [{ ...lecture, place: 'x'.repeat(201) }, '/place'],
  ]) {
    expect(await her.post('/v1/lectures', body))
      .problem('body_invalid', 422)
      .fault(pointer);
  }
});

story('Lengths are counted in characters, not bytes', async ({ api, people }) => {
  const her = api.as(await people.lecturer());
  const place = '讲'.repeat(200);
  expect(await her.post('/v1/lectures', { ...lecture, place: `${place}堂` }))
    .problem('body_invalid', 422)
    .fault('/place', 'too_long');
  const reply = await her.post('/v1/lectures', { ...lecture, place });
  expect(reply).status(201).body({ place });
});

story('Query parameters are checked; an unknown one is refused', async ({ api, people }) => {
  const her = api.as(await people.member());
  const bad = {
    'limit=0': 'limit',
    'limit=101': 'limit',
    'limit=ten': 'limit',
    'limit=1&limit=2': 'limit',
    'from=yesterday': 'from',
    'kind=opera': 'kind',
    'lecturer_id=1': 'lecturer_id',
    'colour=red': 'colour',
    'x%00y=1': null,
    'from=%zz': null,
    'from=%ff': null,
    'from=%0a': null,
  };
  for (const [query, name] of Object.entries(bad)) {
    const reply = await her.get(`/v1/lectures?${query}`);
    expect(reply.body?.code).is('query_invalid', `for ${query}`);
    expect(reply).problem('query_invalid', 400);
    if (name) expect(reply).fault(name);
  }
  for (const cursor of ['x', 'AAAA', '!!!!', 'AAZPvJ3oYABpAZPvJ3oYAHqqAAAA']) {
    expect(await her.get('/v1/lectures', { query: { cursor } })).problem('cursor_invalid', 400);
  }
  expect(await her.get('/v1/lectures?from=2026-01-01T00:00:00%2B08:00&limit=100')).status(200);
});

story('Too much is refused before it is read', async ({ api, people, talk }) => {
  const her = api.as(await people.lecturer());
  const large = await her.post('/v1/lectures', raw('x'.repeat(61 * 1024)));
  expect(large).problem('body_too_large', 413);
  expect(await api.get(`/v1/lectures?cursor=${'x'.repeat(5000)}`)).problem('target_too_long', 414);
  const headers = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`X-Many-${i}`, '1']));
  expect(await api.get('/v1/lectures', { headers })).problem('headers_too_large', 431);
  const huge = await talk(
    `GET /healthz HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20000)}\r\n\r\n`,
  );
  expect(huge).matches(/^HTTP\/1\.1 4\d\d /);
  const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
  const chunked = await talk(
    'POST /v1/redemptions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n' +
      `Content-Type: application/json\r\n\r\n${chunk.repeat(20)}0\r\n\r\n`,
  );
  expect(chunked).matches(/^HTTP\/1\.1 (401|413) /);
  expect(await api.get('/healthz')).status(200);
});

story('Two requests in one packet get two answers, in order', async ({ talk }) => {
  const get = (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const answer = await talk(get('/healthz') + get('/v1/nothing') + get('/readyz'), {
    enough: (text) => text.match(/HTTP\/1\.1 \d+/g)?.length === 3,
  });
  expect(answer.match(/HTTP\/1\.1 \d+/g)).is(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
});

story('Every answer has a request id, the caller’s own if it is plain', async ({ api, log }) => {
  const given = `story-${uuid7()}`;
  const traceparent = `00-${'4bf92f3577b34da6a3ce929d0e0e4736'}-00f067aa0ba902b7-01`;
  const reply = await api.get('/v1/nothing', { headers: { 'X-Request-Id': given, traceparent } });
  expect(reply).header('x-request-id', given).body({ request_id: given });
  const line = log()
    .split('\n')
    .find((l) => l.includes(given));
  expect(line)
    .matches(/status=404 problem=not_found/)
    .matches(/4bf92f3577b34da6a3ce929d0e0e4736/);

  const ids = new Set();
  for (const bad of [
    'short',
    'x'.repeat(65),
    'has space in it',
    'new\tline-here',
    '<script>1234',
  ]) {
    const own = (await api.get('/healthz', { headers: { 'X-Request-Id': bad } })).header(
      'x-request-id',
    );
    expect(own).isNot(bad);
    ids.add(own);
  }
  expect(ids.size).is(5);
});

story('A larger answer is gzipped for who asks, with a tag of its own', async ({ api }) => {
  const plain = await api.get('/openapi.json');
  expect(plain)
    .status(200)
    .header('content-encoding', null)
    .header('vary', /Accept-Encoding/);
  const zipped = await api.get('/openapi.json', { headers: { 'Accept-Encoding': 'br, gzip' } });
  expect(zipped)
    .status(200)
    .header('content-encoding', 'gzip')
    .header('vary', /Accept-Encoding/);
  expect(gunzipSync(zipped.bytes).equals(plain.bytes)).isTrue('both are the same');
  expect(zipped.bytes.length).atMost(plain.bytes.length / 3);
  expect(zipped.header('etag')).isNot(plain.header('etag'));
  for (const etag of [plain.header('etag'), zipped.header('etag'), '*']) {
    const again = await api.get('/openapi.json', { headers: { 'If-None-Match': etag } });
    expect(again).status(304);
  }
  const off = await api.get('/openapi.json', { headers: { 'Accept-Encoding': 'gzip;q=0' } });
  expect(off).header('content-encoding', null);
  const small = await api.get('/healthz', { headers: { 'Accept-Encoding': 'gzip' } });
  expect(small).header('content-encoding', null);
});

story('Problems speak the reader’s language; their codes never change', async ({ api }) => {
  const says = {
    'zh-CN': 'zh-CN',
    zh: 'zh-CN',
    'zh-Hans-CN': 'zh-CN',
    'fr, zh;q=0.8, en;q=0.5': 'zh-CN',
    'en, zh;q=0.9': 'en',
    'zh;q=0, en': 'en',
    'en-GB': 'en',
    fr: 'en',
    '*': 'en',
    ';;;,q=': 'en',
  };
  for (const [asked, given] of Object.entries(says)) {
    const reply = await api.get('/v1/nothing', { headers: { 'Accept-Language': asked } });
    expect(reply.header('content-language')).is(given, `for ${asked}`);
    expect(reply)
      .problem('not_found', 404)
      .header('vary', /Accept-Language/)
      .body({ title: given === 'en' ? 'There is no such thing here' : '未找到' });
  }
});

story('A fault is explained in Chinese, too', async ({ api, people }) => {
  const her = api.as(await people.lecturer()).with({ 'Accept-Language': 'zh-CN' });
  const reply = await her.post('/v1/lectures', { ...lecture, minutes: 0 });
  expect(reply)
    .problem('body_invalid', 422)
    .body({ title: '部分字段有误', errors: [{ code: 'out_of_range', detail: /应在/ }] });
});

story('Without a good token nobody is anybody', async ({ api, people, forge, start }) => {
  const member = await people.member();
  const call = (token) => api.as(token).get('/v1/lectures');
  expect(await call(member.token)).status(200);
  expect(await call(null))
    .problem('not_signed_in', 401)
    .header('www-authenticate', 'Bearer');
  const now = Math.floor(Date.now() / 1000);
  expect(await call(await forge(member, { iat: now - 900, exp: now - 1 })))
    .problem('token_expired', 401)
    .header('www-authenticate', /error="invalid_token"/);
  const [front, middle, end] = member.token.split('.');
  const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
  const bad = [
    await forge(member, { aud: 'http://other.test/v1' }),
    await forge(member, { iss: 'http://other.test' }),
    await forge(member, { client_id: 'other' }),
    await forge(member, { role: 'emperor' }),
    await forge(member, { iat: now + 3600, exp: now + 7200 }),
    await forge(member, { nbf: now + 3600 }),
    await forge(member, {}, { typ: 'JWT' }),
    await forge(member, {}, { kid: 'another' }),
    await forge(member, {}, { jku: 'https://evil.example/keys' }),
    `${none}.${middle}.`,
    `${front}.${middle}`,
    `${front}.${middle}.${end.slice(0, -4)}AAAA`,
    `${front}.${middle}.${end}=`,
    'x',
    'x'.repeat(5000),
  ];
  for (const [i, token] of bad.entries()) {
    const reply = await call(token);
    expect(reply.body?.code).is('token_invalid', `bad token ${i}`);
  }
  for (const scheme of ['Basic', 'Bearer', '']) {
    const reply = await api.get('/v1/lectures', {
      headers: { Authorization: `${scheme} x`.trim() },
    });
    expect(reply.status).is(401, scheme);
  }
  const other = await start();
  expect(await api.on(other).as(member).get('/v1/lectures')).status(200);
  await other.stop();
});

story('Eight kilobytes of headers are read; more are refused with a reason', async (stage) => {
  const { api, talk, community } = stage;
  const ask = (bytes, count) => {
    const many = Array.from({ length: count }, (_, i) => `X-Header-${i + 10}: v\r\n`).join('');
    const all = `${many}Host: x\r\nAccept: application/json\r\nConnection: close\r\nX-Fill: `;
    const fill = 'x'.repeat(bytes - all.length - 2);
    return talk(`GET ${community.path}/lectures HTTP/1.1\r\n${all}${fill}\r\n\r\n`);
  };
  for (const count of [0, 60]) {
    const answer = await ask(8192, count);
    expect(answer).matches(/^HTTP\/1\.1 200 /);
    expect(answer).matches(/"has_more":/);
    const refusal = await ask(8193, count);
    expect(refusal).matches(/^HTTP\/1\.1 431 /);
    expect(refusal).matches(/"code":"headers_too_large"/);
  }
  expect(await ask(11_000, 0)).matches(/^HTTP\/1\.1 431 /);
  expect(await api.get('/healthz')).status(200);
});
