// Requests that HTTP does not know, or that could be read in two ways: each is refused, what comes
// behind it on the same connection is never taken for a request, and the next client is served.
import net from 'node:net';
import { expect, figure, story } from './lib/story.mjs';

export const server = { env: { LYCEUM_PACE_SCALE: '100000' } };

const PATIENCE_MS = 20_000;
const SOON_MS = 4500;
const SILENCE = 0; // closed without a word: there was no line to answer
const JSON_TYPE = 'Content-Type: application/json\r\n';
const get = (more = '', line = 'GET /healthz HTTP/1.1') => `${line}\r\nHost: x\r\n${more}\r\n`;
const post = (more, body = '') =>
  `POST /v1/redemptions HTTP/1.1\r\nHost: x\r\n${JSON_TYPE}${more}\r\n${body}`;
const chunked = (body) => post('Transfer-Encoding: chunked\r\n', body);
const headers = (count) => Array.from({ length: count }, (_, i) => `X-Many-${i}: 1\r\n`).join('');

/** Refused with one of these (400 where none is named), and closed. libmicrohttpd 1.0 refuses some
 * of them itself, before we see them. */
const REFUSED = {
  'two lengths that differ': [post('Content-Length: 2\r\nContent-Length: 3\r\n', '{} ')],
  'two lengths that agree': [post('Content-Length: 2\r\nContent-Length: 2\r\n', '{}')],
  'a length and a coding': [
    post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  ],
  'a coding and a length': [
    post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '0\r\n\r\n'),
  ],
  'two codings': [
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  ],
  'a coding in HTTP/1.0': [chunked('0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0')],
  'another coding': [post('Transfer-Encoding: gzip\r\n', 'xx'), 501, 400],
  'a coding on top': [post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), 501, 400],
  'chunks in chunks': [post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'), 501, 400],
  'a coding that is none': [post('Transfer-Encoding: identity\r\n', '{}'), 501, 400],
  'an empty coding': [post('Transfer-Encoding:\r\n', '{}'), 501, 400],
  'two hosts': [get('Host: y\r\n')],
  'the same host twice': [get('Host: x\r\n')],
  'no host': ['GET /healthz HTTP/1.1\r\n\r\n'],
  'two tokens': [get('Authorization: Bearer a\r\nAuthorization: Bearer b\r\n')],
  'a control byte in a name': [get('X-\x01A: b\r\n')],
  'a DEL in a name': [get('X-\x7fA: b\r\n')],
  'a NUL in a name': [get('X-\0A: b\r\n')],
  'a byte above ASCII in a name': [get('X-\xe9A: b\r\n')],
  'a slash in a name': [get('X/A: b\r\n')],
  'a control byte in a value': [get('X-A: b\x01c\r\n')],
  'an escape in a value': [get('X-A: \x1b[31m\r\n')],
  'a DEL in a value': [get('X-A: b\x7fc\r\n')],
  'a NUL in a value': [get('X-A: b\0c\r\n')],
  'a NUL and one byte before the end': [get('X-A: b\n\0x\n').slice(0, -2)],
  'a NUL in a token': [get('Authorization: Bearer a\0b\r\n')],
  'a bare CR in a value': [get('X-A: b\rX-C: d\r\n')],
  'a bare CR at the end of a line': [get('X-A: b\r').replace(/\r\r\n$/, '\r\r\n\r\n')],
  'a NUL in the target': [get('', 'GET /healthz\0x HTTP/1.1'), 400, SILENCE],
  'a control byte in the target': [get('', 'GET /healthz\x01 HTTP/1.1')],
  'a tab in the request line': [get('', 'GET\t/healthz\tHTTP/1.1'), 400, SILENCE],
  'two blanks in the request line': [get('', 'GET  /healthz HTTP/1.1')],
  'a blank in the target': [get('', 'GET /health z HTTP/1.1'), 400, SILENCE],
  'a blank before the method': [get('', ' GET /healthz HTTP/1.1'), 400, SILENCE],
  'a folded line': [get('X-A: b\r\n c\r\n')],
  'a folded line with a tab': [get('X-A: b\r\n\tc\r\n')],
  'a folded first line': ['GET /healthz HTTP/1.1\r\n Host: x\r\nHost: x\r\n\r\n'],
  'a name that folding makes': [get('Authorizatio: Bearer x\r\n n: y\r\n')],
  'a blank before the colon': [get('X-A : b\r\n')],
  'a blank in a name': [get('X A: b\r\n')],
  'a name without a colon': [get('X-A\r\n')],
  'no name': [get(': b\r\n')],
  'a whole address as the target': [get('', 'GET http://x/healthz HTTP/1.1')],
  'an authority as the target': [get('', 'GET x:80 HTTP/1.1')],
  'a tunnel': [get('', 'CONNECT x:80 HTTP/1.1')],
  'an asterisk': [get('', 'OPTIONS * HTTP/1.1')],
  'a target without its slash': [get('', 'GET healthz HTTP/1.1')],
  'no target': [get('', 'GET HTTP/1.1')],
  'no version': ['GET /healthz\r\n\r\n'],
  'the method alone': ['GET\r\n\r\n', 400, SILENCE],
  'HTTP/0.9': [get('', 'GET /healthz HTTP/0.9'), 400, 505],
  'HTTP/1.2': [get('', 'GET /healthz HTTP/1.2'), 400, 505],
  'HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 505],
  'HTTP/2 in the old form': [get('', 'GET /healthz HTTP/2.0'), 400, 505],
  'HTTP/1.10': [get('', 'GET /healthz HTTP/1.10'), 400, 505],
  'http in small letters': [get('', 'GET /healthz http/1.1'), 400, 505],
  'another protocol': [get('', 'GET /healthz ICAP/1.0'), 400, 505],
  'the start of a TLS talk': ['\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n', 400, SILENCE],
  'a control byte in the method': [get('', 'G\x01T /healthz HTTP/1.1')],
  'a method that is no token': [get('', 'G(T /healthz HTTP/1.1')],
  '65 header lines': [get(headers(64)), 431],
  'header lines of 13 KiB': [get(`X-A: ${'b'.repeat(13 << 10)}\r\n`), 431],
  'header lines of 40 KiB': [get(`X-A: ${'b'.repeat(40 << 10)}\r\n`), 413, 431],
  'a target of 5 KiB': [get('', `GET /${'a'.repeat(5 << 10)} HTTP/1.1`), 414],
  'a target of 40 KiB': [get('', `GET /${'a'.repeat(40 << 10)} HTTP/1.1`), 414, 431],
  'a length with a sign': [post('Content-Length: +2\r\n', '{}')],
  'a negative length': [post('Content-Length: -1\r\n', '{}')],
  'a length in hexadecimal': [post('Content-Length: 0x2\r\n', '{}')],
  'a list of lengths': [post('Content-Length: 2,2\r\n', '{}')],
  'a length with a blank': [post('Content-Length: 2 2\r\n', '{}')],
  'a length with a point': [post('Content-Length: 2.0\r\n', '{}')],
  'an empty length': [post('Content-Length:\r\n', '{}')],
  'a length beyond 2^64': [post('Content-Length: 18446744073709551618\r\n', '{}'), 400, 413],
  'a length of 2^63': [post('Content-Length: 9223372036854775808\r\n', '{}'), 400, 413],
  'a length of a terabyte': [post('Content-Length: 1099511627776\r\n', '{}'), 413],
  'a chunk of no size': [chunked('\r\n{}\r\n0\r\n\r\n')],
  'a chunk of letters': [chunked('xyz\r\n{}\r\n0\r\n\r\n')],
  'a chunk with a sign': [chunked('+2\r\n{}\r\n0\r\n\r\n')],
  'a negative chunk': [chunked('-2\r\n{}\r\n0\r\n\r\n')],
  'a chunk with 0x': [chunked('0x2\r\n{}\r\n0\r\n\r\n')],
  'a chunk beyond 2^64': [chunked('10000000000000002\r\n{}\r\n0\r\n\r\n'), 400, 413],
  'a chunk that is longer than its size': [chunked('2\r\n{}}}\r\n0\r\n\r\n')],
  'a chunk with a NUL': [chunked('2\0\r\n{}\r\n0\r\n\r\n')],
};


/** Bare LF ends a line in libmicrohttpd 0.9, as RFC 9112, 2.2, allows; 1.0 refuses it:
 * either way what stands behind it is a line of its own, and counts. */
const BARE_LF = {
  'a second host': get('X-A: b\nHost: y\r\n'),
  'a second length': post('Content-Length: 2\nContent-Length: 3\r\n', '{} '),
  'a coding': post('Content-Length: 4\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  'a second token': get('Authorization: Bearer a\nAuthorization: Bearer b\r\n'),
  'a folded line': get('X-A: b\n c\r\n'),
};

/** HTTP as it should be, though seldom seen: what each is answered. */
const UNUSUAL = {
  'HTTP/1.0 without a host': ['GET /healthz HTTP/1.0\r\n\r\n', 200],
  'a value without a blank before it': [get('X-A:b\r\n'), 200],
  'a value that is empty': [get('X-A:\r\n'), 200],
  'an empty line before it': [`\r\n${get()}`, 200],
  '64 header lines': [get(headers(62)), 200],
  'a method nobody knows': [get('', 'BREW /healthz HTTP/1.1'), 405],
  'a method in small letters': [get('', 'get /healthz HTTP/1.1'), 405],
  'a slash in a segment': [get('', 'GET /v1%2flectures HTTP/1.1'), 404],
  'a NUL in a segment': [get('', 'GET /healthz%00 HTTP/1.1'), 404],
  'a NUL before an end': [get('', 'GET /healthz%00.css HTTP/1.1'), 404],
  'the way up': [get('', 'GET /docs/../healthz HTTP/1.1'), 404],
  'the way up, written otherwise': [get('', 'GET /docs/%2e%2e/healthz HTTP/1.1'), 404],
  'two slashes': [get('', 'GET //healthz HTTP/1.1'), 404],
  'a letter that need not be written so': [get('', 'GET /%68ealthz HTTP/1.1'), 404],
  'chunks': [chunked('2\r\n{}\r\n0\r\n\r\n'), 401],
  'a size with zeros': [chunked('0002\r\n{}\r\n000\r\n\r\n'), 401],
  'a chunk with an extension': [chunked('2;a=b\r\n{}\r\n0\r\n\r\n'), 401, 400], // 1.0 takes none
  'a trailer': [chunked('2\r\n{}\r\n0\r\nX-A: b\r\n\r\n'), 401],
};

/** Sends it, and listens until the other side closes: what came, and after how long it ended. */
function hear(port, bytes) {
  return new Promise((done) => {
    const began = Date.now();
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    const end = (closed) => {
      socket.destroy();
      const found = [...text.matchAll(/HTTP\/1\.[01] (\d+) [A-Z]/g)];
      const statuses = found.map(([, status]) => Number(status));
      done({ text, statuses, closed, ms: Date.now() - began });
    };
    socket.setTimeout(PATIENCE_MS, () => end(false));
    socket.on('data', (part) => (text += part.toString('latin1')));
    socket.on('error', () => end(true)).on('close', () => end(true));
  });
}

let told = 0;
/** A request that says who it is, and after which the connection ends. */
function last() {
  const name = `behind-${String(++told).padStart(4, '0')}`;
  const lines = `X-Request-Id: ${name}\r\nConnection: close\r\n`;
  return { name, bytes: get(lines, 'GET /v1/nothing HTTP/1.1') };
}

/** What is wrong with the way this was refused; nothing, as it should be. */
async function faults(port, bytes, wanted) {
  const { name, bytes: behind } = last();
  const { text, statuses, closed, ms } = await hear(port, bytes + behind);
  const good = await hear(port, get('Connection: close\r\n'));
  const wrong = [];
  if (statuses.some((status) => !wanted.includes(status))) wrong.push(`answered ${statuses}`);
  if (!statuses.length && !wanted.includes(SILENCE)) wrong.push('not answered');
  if (!closed || ms > SOON_MS) wrong.push(`open after ${ms} ms`);
  if (text.includes(name)) wrong.push('what stood behind it was answered');
  if (good.statuses.join() !== '200') wrong.push(`the next client got ${good.statuses}`);
  return { wrong, ms };
}

story('What HTTP does not know is refused, and nothing behind it is read', async (stage) => {
  const { port } = stage.server;
  const cases = Object.entries(REFUSED);
  let slowest = 0;
  const wrong = [];
  for (const [what, [bytes, ...statuses]] of cases) {
    const seen = await faults(port, bytes, statuses.length ? statuses : [400]);
    slowest = Math.max(slowest, seen.ms);
    wrong.push(...seen.wrong.map((why) => `${what}: ${why}`));
  }
  expect(wrong).is([]);
  figure('malformed', wrong.length, `of ${cases.length}`);
  figure('malformed_ms', slowest);
  expect(stage.log().includes('behind-')).is(false);
});

story('A bare LF hides nothing', async ({ server }) => {
  const wrong = [];
  for (const [what, bytes] of Object.entries(BARE_LF)) {
    const seen = await faults(server.port, bytes, [400]);
    wrong.push(...seen.wrong.map((why) => `${what}: ${why}`));
  }
  expect(wrong).is([]);
});

story('What is seldom, but HTTP, is answered, and then what follows', async ({ server }) => {
  for (const [what, [bytes, status, refusal]] of Object.entries(UNUSUAL)) {
    const { name, bytes: behind } = last();
    const { statuses, text } = await hear(server.port, bytes + behind);
    const ends = bytes.includes('HTTP/1.0') || statuses[0] === refusal;
    expect(statuses).is(ends ? [refusal ?? status] : [status, 404], what);
    expect(text.includes(name)).is(!ends, what);
  }
});

story('A trailer is no header', async ({ api, server, people }) => {
  const { token } = await people.member();
  const body = `2\r\n{}\r\n0\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`;
  const { text, statuses } = await hear(server.port, chunked(body) + last().bytes);
  expect(statuses).is([401, 404]);
  expect(text).matches(/"code":"not_signed_in"/);
  expect(await api.get('/healthz')).status(200);
});

story('A request in the body of another is no request', async (stage) => {
  const { port } = stage.server;
  for (const make of [
    (hidden) => post(`Content-Length: ${hidden.length}\r\n`, hidden),
    (hidden) => chunked(`${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`),
    (hidden) => get(`Content-Length: ${hidden.length}\r\n`) + hidden,
    (hidden) => get(`Content-Length: ${hidden.length}\r\n`, 'BREW /healthz HTTP/1.1') + hidden,
    (hidden) => get(`Content-Length: ${hidden.length}\r\n`, 'POST /nothing HTTP/1.1') + hidden,
  ]) {
    const [hidden, behind] = [last(), last()];
    const { text, statuses } = await hear(port, make(hidden.bytes) + behind.bytes);
    expect(statuses.length).is(2, text);
    expect(statuses[1]).is(404, text);
    expect([text.includes(hidden.name), text.includes(behind.name)]).is([false, true], text);
  }
  expect(stage.log().includes('behind-')).isTrue('ids of requests are in the log');
});

story('A body that is longer or shorter than it says', async ({ server }) => {
  const { name, bytes } = last();
  const [longer, shorter, cut] = await Promise.all([
    hear(server.port, post('Content-Length: 2\r\n', '{}{}{}\r\n\r\n') + bytes),
    hear(server.port, post('Content-Length: 50\r\n', '{}')),
    hear(server.port, chunked('32\r\n{}')),
  ]);
  expect(longer.statuses[0]).is(401);
  expect(longer.statuses.slice(1).filter((status) => status !== 400)).is([]);
  expect([longer.closed, longer.text.includes(name)]).is([true, false], longer.text);
  for (const { statuses, closed, ms } of [shorter, cut]) {
    expect([statuses, closed]).is([[], true]);
    expect(ms).atMost(19_000);
  }
});
