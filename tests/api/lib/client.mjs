// The HTTP client of the stories: says exactly what it is told to, and shows what came back.
import http from 'node:http';
import { gunzipSync } from 'node:zlib';

const SECRET_NAMES =
  /(^|_)(password|token|secret|codes?|refresh)$/;

const CODE = /\b[0-9A-Z]{4,5}(?:-[0-9A-Z]{4,5}){2,}\b/g; // machine-made, as downloads hold them

/** A body that is sent as it stands: raw('{"a":', 'application/json'). */
export class Raw {
  constructor(bytes, type) {
    this.bytes = Buffer.from(bytes);
    this.type = type;
  }
}
export const raw = (bytes, type = 'application/json') => new Raw(bytes, type);

/** An answer: `.status`, `.headers` (lower case), `.bytes`, `.text`, `.body` (parsed JSON). */
export class Reply {
  constructor(request, message, bytes) {
    this.request = request;
    this.status = message.statusCode;
    this.headers = message.headers;
    this.bytes = bytes;
    const plain = this.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
    this.text = plain.toString('utf8');
    this.type = (this.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
    if (/^application\/(.*\+)?json$/.test(this.type) && this.text) {
      try {
        this.body = JSON.parse(this.text);
      } catch (error) {
        this.broken = error.message;
      }
    }
  }

  header(name) {
    return this.headers[name.toLowerCase()];
  }

  get id() {
    return this.body?.id;
  }
}

/** A member `code` may also be a problem's, or a fault's. */
const isProblem = (name, value) => name === 'code' && /^[a-z]+(_[a-z]+)*$/.test(value);

function masked(value, name = '') {
  if (value === null || typeof value !== 'object') {
    const hide = SECRET_NAMES.test(name) && typeof value === 'string' && !isProblem(name, value);
    return hide ? `<${value.length} characters>` : value;
  }
  if (Array.isArray(value)) return value.map((item) => masked(item, name));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item, key)]));
}

/** A request and its answer in words, with secrets masked. */
export function dump(reply) {
  const { method, target, headers, sent } = reply.request;
  const shown = (all) =>
    Object.entries(all).map(([name, value]) =>
      name.toLowerCase() === 'authorization' ? `${name}: Bearer <masked>` : `${name}: ${value}`,
    );
  const body =
    sent instanceof Raw ? sent.bytes.toString().slice(0, 500) : JSON.stringify(masked(sent));
  const back = reply.body === undefined ? reply.text : JSON.stringify(masked(reply.body), null, 1);
  return [
    `> ${method} ${target}`,
    ...shown(headers).map((line) => `> ${line}`),
    ...(body ? [`> ${body}`] : []),
    `< ${reply.status}`,
    ...shown(reply.headers).map((line) => `< ${line}`),
    back.length > 3000 ? `${back.slice(0, 3000)}…` : back,
  ].join('\n');
}

/** Collects what must never be seen in a log: the values of members with secret names. */
function gather(value, secrets, name = '') {
  if (typeof value === 'string') {
    if (!SECRET_NAMES.test(name) || isProblem(name, value)) return;
    if (value.length >= 6) secrets.add(value);
  } else if (value && typeof value === 'object') {
    for (const [key, item] of Object.entries(value)) {
      gather(item, secrets, Array.isArray(value) ? name : key);
    }
  }
}

/** Speaks for one caller. `with`, `as` and `on` give a client that differs in one thing. */
export class Client {
  #stage;
  #headers;
  #server;

  /** @param stage {{seen: Function, secrets: Set<string>, agent: http.Agent}} */
  constructor(stage, server, headers = {}) {
    this.#stage = stage;
    this.#server = server;
    this.#headers = headers;
  }

  /** The same caller with more headers; null takes one away. */
  with(headers) {
    return new Client(this.#stage, this.#server, { ...this.#headers, ...headers });
  }

  /** Another caller: an actor, an access token, or null for nobody. */
  as(who) {
    const token = typeof who === 'string' ? who : who?.token;
    return this.with({ Authorization: token ? `Bearer ${token}` : null });
  }

  /** The same caller at another server process. */
  on(server) {
    return new Client(this.#stage, server, this.#headers);
  }

  get url() {
    return this.#server.url;
  }

  get port() {
    return this.#server.port;
  }

  get(path, options) {
    return this.send('GET', path, undefined, options);
  }

  head(path, options) {
    return this.send('HEAD', path, undefined, options);
  }

  options(path, options) {
    return this.send('OPTIONS', path, undefined, options);
  }

  post(path, body, options) {
    return this.send('POST', path, body, options);
  }

  put(path, body, options) {
    return this.send('PUT', path, body, options);
  }

  patch(path, body, options) {
    return this.send('PATCH', path, body, options);
  }

  delete(path, body, options) {
    return this.send('DELETE', path, body, options);
  }

  /** `alone`: on a connection of its own.
   * @param options {{query?: object, headers?: object, unchecked?: boolean, alone?: boolean}} */
  async send(method, path, body, { query, headers, unchecked, alone } = {}) {
    const target = query ? `${path}?${new URLSearchParams(query)}` : path;
    const all = { ...this.#headers, ...headers };
    let bytes;
    if (body instanceof Raw) {
      bytes = body.bytes;
      if (body.type) all['Content-Type'] ??= body.type;
    } else if (body !== undefined) {
      bytes = Buffer.from(JSON.stringify(body));
      all['Content-Type'] ??=
        method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    }
    for (const name of Object.keys(all)) if (all[name] === null) delete all[name];
    const request = { method, target, headers: all, sent: body };
    const reply = await this.#exchange(request, bytes, alone);
    gather(body instanceof Raw ? undefined : body, this.#stage.secrets);
    gather(reply.body, this.#stage.secrets);
    if (reply.type === 'text/csv') {
      for (const [code] of reply.text.matchAll(CODE)) this.#stage.secrets.add(code);
    }
    if (all.Authorization) {
      const token = all.Authorization.replace(/^Bearer /, '');
      const signature = token.split('.')[2] ?? '';
      this.#stage.secrets.add(token);
      if (signature.length > 40) this.#stage.secrets.add(signature);
    }
    this.#stage.seen(reply, unchecked);
    return reply;
  }

  #exchange(request, bytes, alone) {
    const { method, target, headers } = request;
    return new Promise((done, fail) => {
      const out = http.request({
        host: '127.0.0.1',
        port: this.#server.port,
        method,
        path: target,
        headers: bytes ? { ...headers, 'Content-Length': bytes.length } : headers,
        agent: alone ? false : this.#stage.agent,
        timeout: 30_000,
      });
      out.on('response', (message) => {
        const parts = [];
        message.on('data', (part) => parts.push(part));
        message.on('error', fail);
        message.on('end', () => done(new Reply(request, message, Buffer.concat(parts))));
      });
      out.on('timeout', () => out.destroy(new Error(`${method} ${target}: no answer in 30 s`)));
      out.on('error', fail);
      out.end(bytes);
    });
  }
}
