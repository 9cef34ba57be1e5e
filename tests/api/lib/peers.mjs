// The outside world on loopback: a mail server, an SMS provider, a raw socket.
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { SMTPServer } from 'smtp-server';

/** Waits until `look()` gives something, at most `ms`. */
export async function eventually(look, ms = 60_000) {
  const began = Date.now();
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > began + ms) throw new Error(`still not so after ${ms} ms: ${look}`);
    // Later more seldom: who asks the server would spend their budget with it.
    const pause = Math.min(250, Math.max(20, (Date.now() - began) / 20));
    await new Promise((again) => setTimeout(again, pause));
  }
}

/** A key and a certificate of one's own for 127.0.0.1, as PEM. */
export function makeCertificate() {
  const ask =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout - -out -';
  const whom = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const pem = execFileSync('openssl', [...ask.split(' '), ...whom], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return /(-+BEGIN [A-Z ]*PRIVATE KEY[^]*?PRIVATE KEY-+)[^]*?(-+BEGIN CERT[^]*)/.exec(pem).slice(1);
}

/** A real SMTP server: `.url` for LYCEUM_SMTP_URL, `.mails` as they came, `.to(address)` waits.
 * `refuse(address)` gives the SMTP status that refuses it, or nothing. */
export async function startMailServer({ user, password, refuse } = {}) {
  const mails = [];
  const [key, cert] = makeCertificate();
  const server = new SMTPServer({
    key,
    cert,
    authOptional: !user,
    allowInsecureAuth: true,
    disabledCommands: user ? [] : ['AUTH'],
    hideSTARTTLS: false,
    onAuth: ({ username, password: given }, session, done) =>
      username === user && given === password
        ? done(null, { user })
        : done(new Error('these details are wrong')),
    onRcptTo: ({ address }, session, done) => {
      const responseCode = refuse?.(address);
      done(responseCode ? Object.assign(new Error('not this one'), { responseCode }) : null);
    },
    onData: (stream, session, done) => {
      const parts = [];
      stream.on('data', (part) => parts.push(part));
      stream.on('end', () => {
        mails.push({
          from: session.envelope.mailFrom.address,
          to: session.envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(parts).toString('utf8'),
          secure: session.secure,
        });
        done();
      });
    },
  });
  server.on('error', () => {}); // a client that hangs up is no fault of the story
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `smtp://127.0.0.1:${server.server.address().port}`,
    mails,
    cert,
    to: (address) => eventually(() => mails.find((mail) => mail.to.includes(address))),
    stop: () => new Promise((done) => server.close(done)),
  };
}

/** An HTTP peer, such as the SMS provider: `.url`, `.calls` as they came; `answer(call)` gives
 * {status, body, headers}. */
export async function startPeer(answer = () => ({ status: 200, body: {} })) {
  const calls = [];
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { method, url, headers } = request;
    const text = Buffer.concat(parts).toString('utf8');
    const call = { method, url, headers, text };
    calls.push(call);
    const { status, body, headers: more } = await answer(call);
    response.writeHead(status, { 'Content-Type': 'application/json', ...more });
    response.end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    calls,
    next: (wanted = () => true) => eventually(() => calls.find(wanted)),
    stop: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

/** Bytes in, bytes out: sends `text` on a connection of its own and gives back all that came until
 * the server closed, or fell silent for `quietMs`; or, where it is known, until it is `enough`. */
export function talk(port, text, { quietMs = 300, enough } = {}) {
  return new Promise((done, fail) => {
    const socket = net.connect(port, '127.0.0.1');
    const parts = [];
    const end = () => {
      socket.destroy();
      done(Buffer.concat(parts).toString('latin1'));
    };
    socket.setTimeout(30_000, end);
    socket.on('data', (part) => {
      parts.push(part);
      if (enough?.(Buffer.concat(parts).toString('latin1'))) end();
      else if (!enough) socket.setTimeout(quietMs);
    });
    socket.on('error', (error) => (parts.length ? end() : fail(error)));
    socket.on('close', end);
    socket.write(Buffer.isBuffer(text) ? text : Buffer.from(text, 'latin1'));
  });
}
