// Access tokens, verified by somebody else's hands (npm jose), and the keys that sign them.
import * as jose from 'jose';
import { expect, eventually, story } from './lib/story.mjs';

const jwks = (api) => jose.createRemoteJWKSet(new URL(`${api.url}/.well-known/jwks.json`));
const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

story('An independent verifier finds in a token what it should', async (context) => {
  const { api, people, community } = context;
  const ann = await people.lecturer({ name: 'Ann' });
  const { payload, protectedHeader } = await jose.jwtVerify(ann.token, jwks(api), {
    issuer: 'http://lyceum.test',
    audience: 'http://lyceum.test/v1',
    algorithms: ['ES256'],
    typ: 'at+jwt',
    requiredClaims: ['sub', 'exp', 'iat', 'jti', 'sid', 'community', 'role', 'client_id'],
  });
  expect(protectedHeader.kid).isNot(undefined);
  expect(payload).matches({
    sub: ann.account,
    member: ann.id,
    community: community.id,
    role: 'lecturer',
  });
  expect(payload.exp - payload.iat).atMost(900);
  const { body } = await api.as(ann).get('/v1/me/sessions');
  expect(payload.sid).is(body.data.find(({ current }) => current).id);
});

story('The published keys are public, and named by their thumbprints', async ({ api }) => {
  const reply = await api.get('/.well-known/jwks.json');
  expect(reply).status(200).header('content-type', 'application/jwk-set+json');
  for (const key of reply.body.keys) {
    expect(key).matches({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
    expect('d' in key).is(false);
    expect(await jose.calculateJwkThumbprint(key, 'sha256')).is(key.kid);
  }
});

story('Forged, altered, foreign and outdated tokens are refused', async (context) => {
  const { api, people, forge } = context;
  const ann = await people.member();
  const me = (token) => api.as(token).get('/v1/me');
  const refused = async (token, what) => {
    const reply = await me(token);
    expect(reply.status).is(401, what);
    expect(['token_invalid', 'token_expired'].includes(reply.body.code)).isTrue(what);
    expect(reply).header('www-authenticate', /^Bearer error="invalid_token"/);
  };
  expect(await me(await forge(ann, { sid: sidOf(ann.token) }))).status(200); // the forge works
  const now = Math.floor(Date.now() / 1000);
  const claims = { sid: sidOf(ann.token) };
  await refused(await forge(ann, { ...claims, exp: now - 1 }), 'expired');
  await refused(await forge(ann, { ...claims, nbf: now + 300 }), 'not yet');
  await refused(await forge(ann, { ...claims, iat: now + 300 }), 'from the future');
  await refused(await forge(ann, { ...claims, aud: 'http://elsewhere.test/v1' }), 'audience');
  await refused(await forge(ann, { ...claims, iss: 'http://elsewhere.test' }), 'issuer');
  await refused(await forge(ann, claims, { typ: 'JWT' }), 'type');
  await refused(await forge(ann, claims, { kid: 'no-such-key' }), 'key');

  const [head, body, signature] = ann.token.split('.');
  const payload = jose.decodeJwt(ann.token);
  await refused([head, b64({ ...payload, role: 'owner' }), signature].join('.'), 'altered');
  await refused(`${b64({ alg: 'none', typ: 'at+jwt' })}.${body}.`, 'none');
  const { privateKey } = await jose.generateKeyPair('ES256');
  const { kid } = jose.decodeProtectedHeader(ann.token);
  const other = await new jose.SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
    .sign(privateKey);
  await refused(other, 'another key');
  const [key] = (await api.get('/.well-known/jwks.json')).body.keys;
  const hmac = await new jose.SignJWT(payload)
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid })
    .sign(Buffer.from(key.x, 'base64url'));
  await refused(hmac, 'the public key as a shared secret');
  const own = await new jose.SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, jwk: key })
    .sign(privateKey);
  await refused(own, 'a key that came along');
  await refused(`${ann.token}=`, 'padding');
  await refused(`${head}.${body}`, 'no signature');
  await refused(ann.refresh, 'a refresh token');
});

const sidOf = (token) => jose.decodeJwt(token).sid;

story('A revoked session takes all its tokens with it', async (context) => {
  const { api, people, forge } = context;
  const ann = await people.member();
  const pad = await people.signIn({ ...ann });
  const twin = await forge(ann, { sid: sidOf(pad.token) }); // another token of the same session
  expect(await api.as(twin).get('/v1/me')).status(200);
  expect(await api.as(ann).delete(`/v1/me/sessions/${sidOf(pad.token)}`)).status(204);
  for (const token of [pad.token, twin]) {
    expect(await api.as(token).get('/v1/me')).problem('session_ended', 401);
  }
});

story('Keys are rotated, and nobody is signed out', async (context) => {
  const { api, people, start, lyceum } = context;
  const second = await start();
  const ann = await people.member();
  const before = jose.decodeProtectedHeader(ann.token).kid;
  const run = await lyceum('keys rotate --at 2s --json').done;
  expect(run.code).is(0, run.err);
  const kids = async (at) =>
    (await api.on(at).get('/.well-known/jwks.json')).body.keys.map(({ kid }) => kid);
  await eventually(async () => (await kids(second)).length === 2); // before it signs
  await eventually(async () => (await kids(context.server)).length === 2);
  const signed = async (at) => {
    const reply = await api.on(at).post('/v1/sessions/refresh', { refresh_token: ann.refresh });
    ann.refresh = reply.body.refresh_token;
    return jose.decodeProtectedHeader(reply.body.access_token).kid;
  };
  for (const at of [context.server, second]) {
    await eventually(async () => (await signed(at)) !== before);
    expect(await api.on(at).as(ann).get('/v1/me')).status(200); // the old one still counts
  }
  await jose.jwtVerify(ann.token, jwks(api));

  const retired = await lyceum(`keys retire ${before}`).done;
  expect(retired.code).is(0, retired.err);
  await eventually(async () => (await api.as(ann).get('/v1/me')).status === 401);
  const again = await api.post('/v1/sessions/refresh', { refresh_token: ann.refresh });
  expect(again).status(200); // even then nobody is signed out
  expect(await api.as(again.body.access_token).get('/v1/me')).status(200);
});
