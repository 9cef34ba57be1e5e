// What a story expects. `expect(reply)` for answers, `expect(value)` for anything else; each line
// names one thing and can be chained.
import { isDeepStrictEqual, inspect } from 'node:util';
import { Reply, dump } from './client.mjs';

export class Disappointment extends Error {}

function fail(what, reply) {
  throw new Disappointment(reply ? `${what}\n${dump(reply)}` : what);
}

const show = (value) => inspect(value, { depth: 6, breakLength: 100 });

/** Where `actual` lacks what `wanted` names; a RegExp matches, a function judges. */
function lacks(actual, wanted, path = '') {
  const at = path || 'the value';
  if (wanted instanceof RegExp) {
    return wanted.test(actual) ? null : `${at} is ${show(actual)} and does not match ${wanted}`;
  }
  if (typeof wanted === 'function') {
    return wanted(actual) ? null : `${at} is ${show(actual)}, not what ${wanted} asks for`;
  }
  if (wanted === null || typeof wanted !== 'object') {
    return Object.is(actual, wanted) ? null : `${at} is ${show(actual)} instead of ${show(wanted)}`;
  }
  if (actual === null || typeof actual !== 'object') return `${at} is ${show(actual)}`;
  if (Array.isArray(wanted) && actual.length !== wanted.length) {
    return `${at} has ${actual.length} items instead of ${wanted.length}: ${show(actual)}`;
  }
  for (const [key, value] of Object.entries(wanted)) {
    const why = lacks(actual[key], value, `${path}/${key}`);
    if (why) return why;
  }
  return null;
}

class ReplyExpectation {
  constructor(reply) {
    this.reply = reply;
  }

  status(wanted) {
    const { status, body } = this.reply;
    if (status !== wanted) {
      fail(`expected ${wanted}, got ${status} ${body?.code ?? ''}`, this.reply);
    }
    return this;
  }

  /** The answer is this problem (RFC 9457), in its form. */
  problem(code, status) {
    const { body, type } = this.reply;
    if (body?.code !== code) {
      fail(`expected problem ${code}, got ${this.reply.status} ${body?.code ?? ''}`, this.reply);
    }
    if (type !== 'application/problem+json') fail(`a problem came as ${type}`, this.reply);
    return status ? this.status(status) : this;
  }

  /** A fault of the input at this pointer (or parameter), perhaps with this code. */
  fault(pointer, code) {
    const faults = this.reply.body?.errors ?? [];
    const there = faults.some((f) => f.pointer === pointer && (!code || f.code === code));
    if (!there) fail(`no fault ${code ?? ''} at ${pointer}`, this.reply);
    return this;
  }

  /** A header is there, equals a text, or matches a pattern; null: it is absent. */
  header(name, wanted) {
    const value = this.reply.header(name);
    const good =
      wanted === null
        ? value === undefined
        : wanted instanceof RegExp
          ? value !== undefined && wanted.test(value)
          : wanted === undefined
            ? value !== undefined
            : value === String(wanted);
    if (!good) fail(`header ${name} is ${show(value)}, expected ${show(wanted)}`, this.reply);
    return this;
  }

  /** The JSON body has at least these members. */
  body(wanted) {
    const why = lacks(this.reply.body, wanted);
    if (why) fail(why, this.reply);
    return this;
  }

  text(wanted) {
    const { text } = this.reply;
    const good = wanted instanceof RegExp ? wanted.test(text) : text === wanted;
    if (!good) fail(`the body is not ${wanted}`, this.reply);
    return this;
  }
}

class ValueExpectation {
  constructor(value) {
    this.value = value;
  }

  is(wanted, why = '') {
    if (!isDeepStrictEqual(this.value, wanted)) {
      fail(`expected ${show(wanted)}, got ${show(this.value)} ${why}`);
    }
    return this;
  }

  isNot(unwanted, why = '') {
    if (isDeepStrictEqual(this.value, unwanted)) fail(`did not expect ${show(unwanted)} ${why}`);
    return this;
  }

  matches(wanted) {
    const why = lacks(this.value, wanted);
    if (why) fail(why);
    return this;
  }

  atLeast(least) {
    if (!(this.value >= least)) fail(`expected at least ${least}, got ${show(this.value)}`);
    return this;
  }

  atMost(most) {
    if (!(this.value <= most)) fail(`expected at most ${most}, got ${show(this.value)}`);
    return this;
  }

  isTrue(why = 'expected to hold, but does not') {
    if (this.value !== true) fail(`${why}: ${show(this.value)}`);
    return this;
  }
}

export function expect(value) {
  if (value instanceof Promise) fail('expect() was given a promise: await is missing');
  return value instanceof Reply ? new ReplyExpectation(value) : new ValueExpectation(value);
}
