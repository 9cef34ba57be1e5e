// Forged tokens. Each differs from a good one in one thing, is signed with the server's own key
// where that helps it, and is refused: RFC 8725, and what other verifiers have fallen for.
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { signingKey } from './lib/tokens.mjs';
import { eventually, expect, figure, story, uuid7 } from './lib/story.mjs';
import { School } from './lib/school.mjs';

export const server = { env: { LYCEUM_PACE_SCALE: '100000' } };

const HOUR = 3600;
// The order of P-256: (r, s) and (r, n - s) are two signatures of one text.
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const b64 = (bytes) => Buffer.from(bytes).toString('base64url');
const json = (value) => b64(typeof value === 'string' ? value : JSON.stringify(value));
const es256 = (key) => (text) =>
  b64(sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }));
const hmac = (secret) => (text) => b64(createHmac('sha256', secret).update(text).digest());

/** join(header, claims, signer): each a value or the JSON text itself. */
function join(header, claims, signer) {
  const text = `${json(header)}.${json(claims)}`;
  return `${text}.${signer(text)}`;
}

const spellings = (token) => {
  const [head, body, signature] = token.split('.');
  const raw = Buffer.from(signature, 'base64url');
  const s = N - BigInt(`0x${raw.subarray(32).toString('hex')}`);
  const mirrored = Buffer.concat([
    raw.subarray(0, 32),
    Buffer.from(s.toString(16).padStart(64, '0'), 'hex'),
  ]);
  const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const at = last.indexOf(signature.at(-1));
  return {
    mirrored: `${head}.${body}.${b64(mirrored)}`,
    'spare bits': `${head}.${body}.${signature.slice(0, -1)}${last[at ^ 1]}`,
    padded: `${token}==`,
    'plain base64': `${head}.${body}.${raw.toString('base64')}`,
    'fourth part': `${token}.`,
  };
};

/** Somebody, the key, and what a good token of theirs is made of. */
async function workshop(stage) {
  const { kid, key } = await signingKey(stage.sql);
  const person = await new School(stage).person('operator');
  const [head, body] = person.token.split('.');
  const read = (part) => JSON.parse(Buffer.from(part, 'base64url'));
  return { person, kid, key, good: es256(key), header: read(head), claims: read(body) };
}

let tried = 0;
async function tryAll({ api }, tokens) {
  const let_in = [];
  for (const [what, token] of Object.entries(tokens)) {
    const reply = await api.as(token).get('/v1/me');
    const told = ['token_invalid', 'token_expired', 'session_ended'].includes(reply.body?.code);
    if (reply.status !== 401 || !told) let_in.push(`${what}: ${reply.status} ${reply.text}`);
  }
  expect(let_in).is([]);
  tried += Object.keys(tokens).length;
  figure('forged', let_in.length, `of ${tried}`);
}

story('A token chooses neither its algorithm nor its key', async (stage) => {
  const { api } = stage;
  const { person, kid, key, good, header, claims } = await workshop(stage);
  expect(await api.as(join(header, claims, good)).get('/v1/me')).status(200); // the forge works
  const { keys } = (await api.get('/.well-known/jwks.json')).body;
  const jwk = keys.find((one) => one.kid === kid);
  const shared = createPublicKey(key);
  const der = shared.export({ type: 'spki', format: 'der' });
  const pem = shared.export({ type: 'spki', format: 'pem' });
  const mine = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const point = mine.publicKey.export({ format: 'jwk' });
  const tokens = {};
  const nothing = () => '';
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
    tokens[`alg ${alg} unsigned`] = join({ ...header, alg }, claims, nothing);
    tokens[`alg ${alg} signed`] = join({ ...header, alg }, claims, good);
  }
  for (const alg of ['HS256', 'HS512', 'ES256']) {
    const secrets = { PEM: pem, DER: der, JWK: JSON.stringify(jwk), x: jwk.x, empty: '' };
    for (const [name, secret] of Object.entries(secrets))
      tokens[`${alg} with the public ${name}`] = join({ ...header, alg }, claims, hmac(secret));
  }
  for (const alg of ['ES384', 'ES256K', 'RS256', 'PS256', 'EdDSA', 'es256', 256, null, ['ES256']])
    tokens[`alg ${JSON.stringify(alg)}`] = join({ ...header, alg }, claims, good);
  const zero = { 'r = s = 0': Buffer.alloc(64), 'all ones': Buffer.alloc(64, 0xff) };
  for (const [name, bytes] of Object.entries(zero)) // Java once took 0, 0 for good
    tokens[name] = join(header, claims, () => b64(bytes));
  tokens.DER = join(header, claims, (text) => b64(sign('sha256', Buffer.from(text), key)));
  tokens['another key'] = join(header, claims, es256(mine.privateKey));
  tokens['a key that came along'] = join({ ...header, jwk: point }, claims, es256(mine.privateKey));
  for (const more of [
    { jwk }, { jku: 'http://127.0.0.1:1/' }, { x5u: 'http://127.0.0.1:1/' }, { x5c: [] },
    { crit: ['exp'] }, { crit: [] }, { crit: ['b64'], b64: false }, { b64: false }, { b64: true },
    { zip: 'DEF' }, { cty: 'JWT' }, { enc: 'A128GCM' },
  ])
    tokens[JSON.stringify(more).slice(0, 40)] = join({ ...header, ...more }, claims, good);
  for (const other of [
    '../../../dev/null', '/dev/null', '', ' ', null, 0, true, [kid], { kid }, `${kid} `, `${kid}\0`,
    kid.toUpperCase(), kid.slice(1), `${kid}' OR '1'='1`, 'http://127.0.0.1:1/', 'k'.repeat(1500),
  ]) {
    const what = `kid ${JSON.stringify(other).slice(0, 40)}`;
    tokens[what] = join({ ...header, kid: other }, claims, good);
  }
  tokens['no kid'] = join({ alg: 'ES256', typ: 'at+jwt' }, claims, good);
  for (const typ of ['JWT', 'jwt', 'at+JWT', 'application/at+jwt', 'logout+jwt', '', null, 1])
    tokens[`typ ${typ}`] = join({ ...header, typ }, claims, good);
  tokens['no typ'] = join({ alg: 'ES256', kid }, claims, good);
  const text = JSON.stringify(header);
  tokens['two algs'] = join(text.replace('{', '{"alg":"none",'), claims, good);
  tokens['two kids'] = join(text.replace('{', '{"kid":"x",'), claims, good);
  tokens['a header in a list'] = join([header], claims, good);
  tokens['a header and more'] = join(`${text} {}`, claims, good);
  tokens['a refresh token'] = (await stage.people.signIn(person)).refresh;
  await tryAll(stage, tokens);
});

story('Every claim is there once, and says what it must', async (stage) => {
  const { api } = stage;
  const { person, good, header, claims } = await workshop(stage);
  const other = await new School(stage).person('owner');
  const now = Math.floor(Date.now() / 1000);
  const tokens = {};
  const put = (what, more) => (tokens[what] = join(header, { ...claims, ...more }, good));
  const open = JSON.stringify(claims).slice(0, -1);
  for (const name of Object.keys(claims)) {
    const { [name]: gone, ...rest } = claims;
    tokens[`no ${name}`] = join(header, rest, good);
    put(`${name} null`, { [name]: null });
    put(`${name} in a list`, { [name]: [gone] });
    tokens[`${name} twice`] = join(header, `${open},"${name}":${JSON.stringify(gone)}}`, good);
    if (typeof gone === 'number') put(`${name} as text`, { [name]: String(gone) });
    else put(`${name} as number`, { [name]: 1 });
  }
  tokens['another member behind'] = join(header, `${open},"member":"${other.id}"}`, good);
  for (const iss of ['http://elsewhere.test', `${claims.iss}/`, claims.iss.toUpperCase(), ''])
    put(`iss ${iss}`, { iss });
  for (const aud of ['http://elsewhere.test/v1', claims.iss, `${claims.aud}/`, '', [claims.aud]])
    put(`aud ${aud}`, { aud });
  for (const role of ['root', 'Owner', 'nobody', '', 'owner ']) put(`role ${role}`, { role });
  put('an hour ago', { iat: now - HOUR - 900, exp: now - HOUR });
  put('just over', { iat: now - 900, exp: now });
  put('an hour ahead', { iat: now + HOUR, exp: now + HOUR + 900 });
  put('not before an hour', { nbf: now + HOUR });
  put('ends before it begins', { iat: now, exp: now - 1 });
  put('no whole number', { exp: now + 600.5 });
  put('below zero', { exp: -1 });
  put('without end', { exp: 1e300 });
  tokens['no object'] = join(header, '"sub"', good);
  tokens['deep'] = join(header, '['.repeat(700), good);
  tokens['long'] = join(header, { ...claims, more: 'x'.repeat(4000) }, good);
  await tryAll(stage, tokens);
  expect(await api.as(person).get('/v1/me')).status(200);
});

story('An ended session ends every spelling of its tokens', async (stage) => {
  const { api } = stage;
  const { person } = await workshop(stage);
  const spelled = spellings(person.token);
  const before = await api.as(spelled.mirrored).get('/v1/me');
  expect(before).status(200); // ECDSA has it so, and that is why bytes are not what is revoked
  expect(await api.as(person).delete(`/v1/me/sessions/${person.session}`)).status(204);
  await tryAll(stage, { itself: person.token, ...spelled });
});

story('A token is for one thing: refreshing, or calling', async (stage) => {
  const { api, people } = stage;
  const person = await people.member();
  const refresh = (refresh_token) => api.post('/v1/sessions/refresh', { refresh_token });
  expect(await api.as(person.refresh).get('/v1/me')).problem('token_invalid', 401);
  expect(await refresh(person.token)).problem('body_invalid', 422).fault('/refresh_token');
  expect(await refresh(person.token.slice(0, 200))).problem('token_invalid', 401);
  for (const other of [person.refresh.slice(0, -1), `${person.refresh}A`, uuid7(), '.'])
    expect(await refresh(other)).problem('token_invalid', 401);
  expect(await refresh(person.refresh)).status(200); // guessing has not spent it
});

story('Keys are rotated twice under load, and nobody is refused', async (stage) => {
  const { api, start, lyceum } = stage;
  const second = await start();
  const crowd = await Promise.all(Array.from({ length: 8 }, () => stage.people.member()));
  const seen = {};
  const kidOf = ({ token }) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).kid;
  const kids = new Set(crowd.map(kidOf));
  let going = true;
  const load = crowd.map(async (person, i) => {
    for (let n = 0; going; n++) {
      const at = api.on((i + n) % 2 ? second : stage.server);
      const reply =
        n % 20 === 19
          ? await at.post('/v1/sessions/refresh', { refresh_token: person.refresh })
          : await at.as(person).get('/v1/me');
      seen[reply.status] = (seen[reply.status] ?? 0) + 1;
      if (n % 20 !== 19 || reply.status !== 200) continue;
      Object.assign(person, { token: reply.body.access_token, refresh: reply.body.refresh_token });
      kids.add(kidOf(person));
    }
  });
  for (let round = 1; round <= 2; round++) {
    const run = await lyceum('keys rotate --at 1s --json').done;
    expect(run.code).is(0, run.err);
    await eventually(() => kids.size > round);
  }
  going = false;
  await Promise.all(load);
  console.log(`      answers: ${JSON.stringify(seen)}, signed by ${kids.size} keys`);
  expect(Object.keys(seen)).is(['200']);
});
