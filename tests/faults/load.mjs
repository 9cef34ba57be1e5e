// Redemptions and check-ins on keep-alive connections, whatever happens to the server.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 15_000; // beyond any deadline of the server's
// The server's own words for: nothing was done.
const NOTHING_DONE = new Set(['busy', 'deadline', 'database_away', 'out_of_memory', 'stopping']);
const REFUSALS = new Set(['code_sold_out', 'check_in_refused']);
const CODE_FRESH_MS = 5000;

export class Load {
  #stage;
  #history;
  #size;
  #tokens;
  #operator;
  #next = { wish: 0, code: 0, limited: 0, checkIn: 0 };
  #redo = [];
  #acknowledged = [];
  #shown = new Map();
  #workers = [];
  #going = false;

  /**
   * @param {number} skip how many wishes of an earlier load are not to be made again
   * @param {number} rest how long a connection rests after each, in milliseconds
   */
  constructor(stage, history, size, connections, skip = 0, rest = 0) {
    Object.assign(this, { connections, rest, trouble: null, lastAck: 0 });
    this.#stage = stage;
    this.#history = history;
    this.#size = size;
    this.#tokens = stage.mint('member');
    [this.#operator] = stage.mint('operator', 1);
    for (let i = 0; i < skip; i++) this.#wish();
  }

  get wishes() {
    return this.#next.wish;
  }

  start() {
    this.#going = true;
    this.#workers = Array.from({ length: this.connections }, () => this.#work());
    return this;
  }

  async stop() {
    this.#going = false;
    await Promise.all(this.#workers);
    if (this.trouble) throw this.trouble;
  }

  // ---- what is asked for: 9 of 20 codes of one use, 4 codes of a few uses with more askers than
  // that, 7 check-ins.

  #wish() {
    const { members, limited, askers } = this.#size;
    const n = this.#next.wish++;
    if (n % 20 >= 13) {
      const i = this.#next.checkIn++;
      if (i >= members * this.#stage.lectures.length) throw new Error('no lecture is left');
      const [lecture, who] = [Math.floor(i / members), i % members];
      return { key: `lecture/${lecture}/${who}`, lecture, who };
    }
    const who = n % members;
    let code = limited + this.#next.code;
    if (n % 20 >= 9) code = Math.floor(this.#next.limited++ / askers);
    else this.#next.code++;
    if (code >= (n % 20 >= 9 ? limited : this.#stage.codes.length))
      throw new Error('no code is left');
    return { key: `code/${code}/${who}`, code, who, n };
  }

  /** Half of what failed or is unclear is asked for again, and now and then what was answered. */
  #pick() {
    if (this.#redo.length) return this.#redo.shift();
    if (this.#next.wish % 40 === 39 && this.#acknowledged.length > 100) {
      this.#next.wish++;
      return this.#acknowledged[Math.floor(Math.random() * this.#acknowledged.length)];
    }
    return this.#wish();
  }

  // ---- asking

  #ask(agent, method, path, token, body) {
    const json = body === undefined ? '' : JSON.stringify(body);
    const headers = { Authorization: `Bearer ${token}` };
    if (json) headers['Content-Type'] = 'application/json';
    headers['Content-Length'] = Buffer.byteLength(json);
    const options = { host: '127.0.0.1', port: this.#stage.port, method, path, agent, headers };
    return new Promise((done) => {
      const request = http.request(options, (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (part) => (text += part));
        const again = reply.headers['retry-after'];
        reply.on('end', () => done({ status: reply.statusCode, text, again }));
        reply.on('error', (error) => done({ error: error.code ?? error.message }));
        reply.on('aborted', () => done({ error: 'aborted' }));
      });
      request.setTimeout(PATIENCE_MS, () => request.destroy(new Error('no answer')));
      request.on('error', (error) => done({ error: error.code ?? error.message }));
      request.end(json);
    });
  }

  async #checkInCode(agent, lecture) {
    const had = this.#shown.get(lecture);
    if (had && Date.now() - had.at < CODE_FRESH_MS) return had.code;
    const path = `/v1/lectures/${this.#stage.lectures[lecture]}/check-in-code`;
    const { status, text } = await this.#ask(agent, 'GET', path, this.#operator);
    if (status !== 200) return undefined;
    const { code } = JSON.parse(text);
    this.#shown.set(lecture, { at: Date.now(), code });
    return code;
  }

  async #send(agent, wish) {
    const token = this.#tokens[wish.who];
    if (wish.lecture === undefined) {
      const code = this.#stage.codes[wish.code];
      return this.#ask(agent, 'POST', '/v1/redemptions', token, { code });
    }
    const code = await this.#checkInCode(agent, wish.lecture);
    if (code === undefined) return null; // not asked at all
    const path = `/v1/lectures/${this.#stage.lectures[wish.lecture]}/check-ins`;
    return this.#ask(agent, 'POST', path, token, { code, device_id: `device-${wish.who}` });
  }

  // ---- judging

  #judge(wish, { error, status, text, again }) {
    if (error) {
      if (error === 'no answer') this.#history.wrong.push(`${wish.key}: no answer in time`);
      return { verdict: error === 'ECONNREFUSED' ? 'failed' : 'unknown', away: true };
    }
    const body = JSON.parse(text);
    if (status === 200 || status === 201) {
      const proof = wish.lecture === undefined ? body.id : body.state;
      if (!proof) this.#history.wrong.push(`${wish.key}: ${status} without a proof: ${text}`);
      return { verdict: 'ok', proof };
    }
    if (status === 503 && !(again > 0))
      this.#history.wrong.push(`${wish.key}: 503 ${body.code} without Retry-After`);
    if (status === 503 && body.code === 'outcome_unknown')
      return { verdict: 'unknown', away: true, told: true };
    const known = status === 503 ? NOTHING_DONE.has(body.code) : REFUSALS.has(body.code);
    if (!known) this.#history.wrong.push(`${wish.key}: ${status} ${body.code}`);
    return { verdict: 'failed', away: status === 503 };
  }

  async #once(agent, wish) {
    const began = Date.now();
    const reply = await this.#send(agent, wish);
    if (!reply) {
      this.#redo.push(wish);
      return sleep(100);
    }
    const judged = this.#judge(wish, reply);
    const took = Date.now() - began;
    this.#history.slowest = Math.max(this.#history.slowest, took);
    if (judged.verdict === 'ok')
      this.#history.slowestGood = Math.max(this.#history.slowestGood, took);
    const first = wish.proof === undefined;
    this.#history.record(wish, judged);
    if (judged.verdict === 'ok') {
      this.lastAck = began;
      if (first) this.#acknowledged.push(wish);
      if (this.rest) await sleep(this.rest);
    } else if (judged.away) {
      if (wish.tries < 20 && wish.who % 2) this.#redo.push(wish);
      await sleep(100);
    }
  }

  async #work() {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    try {
      while (this.#going) await this.#once(agent, this.#pick());
    } catch (error) {
      this.trouble ??= error;
      this.#going = false;
    } finally {
      agent.destroy();
    }
  }
}
