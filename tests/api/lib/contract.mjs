// Checks every answer against the server's own description of itself, /openapi.json.
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Raw } from './client.mjs';

// What the server may say before it knows which operation is meant.
const BEFORE_ROUTING = new Set([
  'not_found',
  'method_not_allowed',
  'malformed',
  'headers_too_large',
  'target_too_long',
  'body_too_large',
  'not_implemented',
  'stopping',
]);

/** Clients must bear new members in answers, so the document leaves objects open. The stories
 * do not: a member that nobody described is a mistake. */
function closeObjects(schema) {
  if (Array.isArray(schema)) return schema.map(closeObjects);
  if (!schema || typeof schema !== 'object') return schema;
  const closed = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'example' ? value : closeObjects(value),
    ]),
  );
  if (closed.properties && closed.type && closed.additionalProperties === undefined) {
    closed.additionalProperties = false;
  }
  return closed;
}

const escapePointer = (text) => encodeURIComponent(text.replace(/~/g, '~0').replace(/\//g, '~1'));

export class Contract {
  constructor(document) {
    this.document = document;
    this.ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats(this.ajv);
    this.ajv.addSchema({ ...closeObjects(document), $id: 'openapi' });
    this.compiled = new Map();
    this.paths = Object.keys(document.paths).map((path) => ({
      path,
      segments: path.split('/'),
    }));
    this.exercised = new Set();
    this.failed = new Set();
  }

  /** The path template of a target; a literal segment goes before a parameter. */
  #path(target) {
    const segments = target.split('?')[0].split('/');
    let best;
    for (const candidate of this.paths) {
      if (candidate.segments.length !== segments.length) continue;
      let literals = 0;
      const fits = candidate.segments.every((segment, i) => {
        if (segment.startsWith('{')) return segments[i] !== '';
        literals++;
        return segment === segments[i];
      });
      if (fits && (!best || literals > best.literals)) best = { path: candidate.path, literals };
    }
    return best?.path;
  }

  #validate(pointer, value, what) {
    let validate = this.compiled.get(pointer);
    if (!validate) {
      validate = this.ajv.compile({ $ref: `openapi#${pointer}` });
      this.compiled.set(pointer, validate);
    }
    if (validate(value)) return [];
    return validate.errors.slice(0, 5).map((error) => {
      const more = error.params.additionalProperty ?? error.params.allowedValues ?? '';
      return `${what}${error.instancePath}: ${error.message} ${more}`;
    });
  }

  /** Everything in which this reply differs from the document, as sentences. */
  check(reply) {
    const { method, target } = reply.request;
    if (reply.broken) return [`the body is not JSON: ${reply.broken}`];
    const path = this.#path(target);
    const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
    const operation = path && this.document.paths[path][verb];
    if (method === 'OPTIONS' && reply.status === 204) return [];
    if (!operation) return this.#checkUnrouted(reply);
    const name = `${verb.toUpperCase()} ${path}`;
    if (reply.status < 400) this.exercised.add(name);
    if (reply.body?.code) this.failed.add(`${name} ${reply.body.code}`);
    const pointer = `/paths/${escapePointer(path)}/${verb}`;
    return [
      ...this.#checkAnswer(reply, operation, pointer),
      ...this.#checkRequest(reply, operation, pointer),
    ];
  }

  #checkUnrouted(reply) {
    if (reply.request.method === 'HEAD') return [];
    if (!BEFORE_ROUTING.has(reply.body?.code)) {
      return [`/openapi.json has no such operation, but the answer is ${reply.status}`];
    }
    return this.#validate('/components/schemas/problem', reply.body, 'problem');
  }

  #checkAnswer(reply, operation, pointer) {
    const { status, body, type } = reply;
    const head = reply.request.method === 'HEAD';
    let response = operation.responses[status];
    if (!response) return [`status ${status} is not declared`];
    const shared = response.$ref?.slice(1);
    if (shared) response = this.document.components.responses[response.$ref.split('/').pop()];
    const at = `${shared ?? `${pointer}/responses/${status}`}/content`;
    if (!response.content) return type ? [`an answer without a body has Content-Type ${type}`] : [];
    const media = Object.keys(response.content).find((m) => m.split(';')[0] === type);
    if (!media) return [`Content-Type ${type || '(none)'} is not declared for ${status}`];
    if (head) return reply.text ? ['an answer to HEAD has a body'] : [];
    const troubles = [];
    if (type === 'application/problem+json' && !response['x-problems']?.includes(body?.code)) {
      troubles.push(`problem ${body?.code} is not declared for ${status}`);
    }
    if (body === undefined || !response.content[media].schema) return troubles;
    const schema = `${at}/${escapePointer(media)}/schema`;
    return [...troubles, ...this.#validate(schema, body, 'body')];
  }

  /** What was accepted must fit what is published; else clients can't be made from it. */
  #checkRequest(reply, operation, pointer) {
    const { sent } = reply.request;
    if (reply.status >= 400 || sent === undefined || sent instanceof Raw) return [];
    if (!operation.requestBody) return ['a body was accepted, but none is declared'];
    const schema = `${pointer}/requestBody/content/${escapePointer('application/json')}/schema`;
    return this.#validate(schema, sent, 'request');
  }

  get coverage() {
    return { exercised: [...this.exercised], failed: [...this.failed], declared: this.#declared() };
  }

  #declared() {
    const operations = [];
    const problems = [];
    for (const [path, verbs] of Object.entries(this.document.paths)) {
      for (const [verb, operation] of Object.entries(verbs)) {
        if (!operation.operationId) continue;
        const name = `${verb.toUpperCase()} ${path}`;
        operations.push(name);
        for (const code of operation['x-fails'] ?? []) problems.push(`${name} ${code}`);
      }
    }
    return { operations, problems };
  }
}
