// Tokens that the server has not met cost it a signature each: a crowd of them waits in line, a few
// a turn of the loop.
import net from 'node:net';
import { expect, story } from './lib/story.mjs';

export const server = { env: { LYCEUM_LOOPS: '1', LYCEUM_PACE_SCALE: '1000' } };

/** A connection that the server has accepted and answered on: it accepts few a turn, so a new one
 * would come by its place among the new ones, not by who sends. */
const open = (server) =>
  new Promise((done, fail) => {
    const socket = net.connect(server.port, '127.0.0.1').on('error', fail);
    socket.once('data', () => done(socket));
    socket.write('HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  });

/** Sends each token's request on a connection of its own while the server is held, so that one turn
 * of its loop finds them all; resolves with the statuses in the order in which they came. */
async function arriveTogether(server, tokens) {
  const sockets = await Promise.all(tokens.map(() => open(server)));
  process.kill(server.pid, 'SIGSTOP');
  const order = [];
  const answers = sockets.map(
    (socket, i) =>
      new Promise((done) => {
        socket.once('data', (data) => done(order.push([tokens[i], String(data).slice(9, 12)])));
        const head = 'GET /v1/me HTTP/1.1\r\nHost: x\r\n';
        socket.write(`${head}Authorization: Bearer ${tokens[i]}\r\n\r\n`);
      }),
  );
  await new Promise((done) => setTimeout(done, 200));
  process.kill(server.pid, 'SIGCONT');
  await Promise.all(answers);
  for (const socket of sockets) socket.destroy();
  return order;
}

story('Whoever is known walks past a crowd of strangers', async ({ start, people, forge, api }) => {
  const server = await start({ LYCEUM_LOOPS: '1', LYCEUM_PACE_SCALE: '1000' });
  const known = await people.member();
  expect(await api.on(server).as(known).get('/v1/me')).status(200);
  const strangers = await Promise.all(Array.from({ length: 200 }, () => forge(known)));
  const order = await arriveTogether(server, [...strangers, known.token]);
  expect(order.filter(([, status]) => status !== '200')).is([]);
  const place = order.findIndex(([token]) => token === known.token);
  expect(place).atMost(150, `the known one was answered as number ${place}`);
});

story('A crowd with false tokens is told so, every one of them', async (stage) => {
  const { start, people, forge } = stage;
  const server = await start({ LYCEUM_LOOPS: '1', LYCEUM_PACE_SCALE: '1000' });
  const real = await forge(await people.member());
  const forged = Array.from({ length: 100 }, (_, i) => {
    const at = real.length - 43 + (i % 40); // within the signature, not its last character
    return real.slice(0, at) + (real[at] === 'A' ? 'B' : 'A') + real.slice(at + 1);
  });
  const order = await arriveTogether(server, forged);
  expect(order.filter(([, status]) => status !== '401')).is([]);
});
