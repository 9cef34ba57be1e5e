// Clients that dwell, pour, or ask for more than one can give; and a thousand who wait.
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, race, story } from './lib/story.mjs';
import { Wire } from './lib/wire.mjs';

export const server = { env: { LYCEUM_LOOPS: '1', LYCEUM_PACE_SCALE: '1000' } };

/** Sends `start`, then `drop` each 500 ms; how many milliseconds until it was cut off. */
function drip(port, start, drop) {
  return new Promise((done) => {
    const began = Date.now();
    const socket = net.connect(port, '127.0.0.1', () => socket.write(start));
    const timer = setInterval(() => socket.write(drop), 500);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      done(Date.now() - began);
    });
    socket.setTimeout(30_000, () => socket.destroy());
  });
}

const GET = 'GET /healthz HTTP/1.1\r\nHost: x\r\n';
const POST = 'POST /v1/lectures HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

story('Who drips is cut off in time; who is silent between two requests is not', async (stage) => {
  const { api } = stage;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = () =>
    new Promise((done, fail) => {
      const asked = http.get({ host: '127.0.0.1', port: api.port, path: '/healthz', agent });
      asked.on('error', fail).on('response', (reply) => {
        reply.resume().on('end', () => done(asked.reusedSocket));
      });
    });
  await ask();
  const [line, head, body, chunks] = await Promise.all([
    drip(api.port, 'GET /health', 'z'),
    drip(api.port, GET, 'X-A: b\r\n'),
    drip(api.port, `${POST}Content-Length: 500\r\n\r\n{`, ' '),
    drip(api.port, `${POST}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n'),
  ]);
  expect(line).atMost(10_500);
  expect(head).atMost(10_000);
  expect(body).atMost(15_000);
  expect(chunks).atMost(15_000);
  expect(await ask()).is(true, 'on the same connection');
  agent.destroy();
});

story('A body without an end is not read for ever', async ({ api }) => {
  for (const path of ['/v1/lectures', '/v1/nothing']) {
    let sent = 0;
    await new Promise((done) => {
      const socket = net.connect(api.port, '127.0.0.1');
      const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
      const pour = () => {
        while (!socket.destroyed && sent < 64 << 20 && socket.write(chunk)) sent += chunk.length;
      };
      socket.on('connect', () => {
        socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
        pour();
      });
      socket.on('drain', pour).on('error', () => {}).on('close', done);
      socket.resume();
    });
    expect(sent).atMost(16 << 20);
  }
});

story('Bodies come in chunks, after a 100, with a GET, or too large', async ({ api, talk }) => {
  const chunked = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
  expect(await talk(`${chunked}5\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n`)).matches(/^HTTP\/1.1 401 /);
  const waits = `${POST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`;
  expect(await talk(waits)).matches(/^HTTP\/1.1 100 /);
  expect(await talk(`${waits}{}`)).matches(/HTTP\/1.1 401 /);
  const huge = `${POST}Expect: 100-continue\r\nContent-Length: 9999999\r\n\r\n`;
  expect(await talk(huge)).matches(/^HTTP\/1.1 413 /);
  const two = `${GET}Content-Length: 5\r\n\r\nhello${GET}\r\n`;
  expect((await talk(two)).match(/HTTP\/1.1 200 /g).length).is(2);
  const large = `${chunked}${'8000\r\n' + 'x'.repeat(0x8000) + '\r\n'}`.repeat(1);
  const more = `8000\r\n${'x'.repeat(0x8000)}\r\n`.repeat(3);
  expect(await talk(`${large}${more}0\r\n\r\n`)).matches(/^HTTP\/1.1 413 /);
  expect(await api.get('/healthz')).status(200);
});

story('A thousand who wait do not delay one who need not', async ({ start, sql, people }) => {
  const [{ name }] = await sql`SELECT current_database() AS name`;
  const wire = await Wire.open(name);
  const server = await start({ ...wire.env, LYCEUM_LOOPS: '1', LYCEUM_PACE_SCALE: '1000' });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1200 });
  const { token } = await people.member();
  const ask = (path, headers = {}) =>
    new Promise((done, fail) => {
      http
        .get({ host: '127.0.0.1', port: server.port, path, headers, agent }, (reply) => {
          reply.resume().on('end', () => done(reply.statusCode));
        })
        .on('error', fail);
    });
  wire.stick();
  const waiting = race(1000, () => ask('/v1/lectures', { Authorization: `Bearer ${token}` }));
  await sleep(500);
  const times = [];
  for (let i = 0; i < 50; i++) {
    const began = performance.now();
    expect(await ask('/healthz')).is(200);
    times.push(performance.now() - began);
  }
  expect(Math.max(...times)).atMost(1000);
  wire.flow();
  const answers = await waiting;
  expect(answers.filter((status) => status !== 200 && status !== 503)).is([]);
  agent.destroy();
  expect(await server.stop()).is([]);
  wire.close();
});
