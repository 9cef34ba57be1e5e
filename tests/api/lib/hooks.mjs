// A system that is told of what happens: it listens, and verifies with a library of others.
import { Webhook } from 'standardwebhooks';
import { eventually, startPeer } from './peers.mjs';

/** Verifies as a receiver would; gives the event. It throws when anything is wrong. */
export const verified = (call, secret) => new Webhook(secret).verify(call.text, call.headers);

/** Is it signed with this secret? */
export function isSigned(call, secret) {
  try {
    verified(call, secret);
    return true;
  } catch {
    return false;
  }
}

/** A receiver on loopback and an endpoint for it: `.calls` as they came, `.answer` to be changed,
 * `.hook` as the API showed it, `.of(type)` waits for the first of a type. */
export class Receiver {
  constructor(stage, owner) {
    this.api = stage.api;
    this.sql = stage.sql;
    this.owner = owner;
    this.answer = () => ({ status: 200, body: {} });
  }

  static async open(stage, owner, more = {}) {
    const receiver = new Receiver(stage, owner);
    receiver.peer = await startPeer((call) => receiver.answer(call));
    const url = `${receiver.peer.url}hook`;
    const reply = await stage.api.as(owner).post('/v1/webhooks', { url, ...more });
    if (reply.status !== 201) throw new Error(`/v1/webhooks: ${reply.status} ${reply.text}`);
    receiver.hook = reply.body;
    receiver.path = `/v1/webhooks/${reply.body.id}`;
    return receiver;
  }

  get calls() {
    return this.peer.calls;
  }

  of(type, ms) {
    return eventually(() => this.calls.find(({ text }) => JSON.parse(text).type === type), ms);
  }

  async ping() {
    const reply = await this.api.as(this.owner).post(`${this.path}/test`);
    if (reply.status !== 200) throw new Error(`${this.path}/test: ${reply.text}`);
    return reply.body.id;
  }

  /** The delivery, when it is as wanted. */
  delivery(id, wanted, ms) {
    return eventually(async () => {
      const reply = await this.api.as(this.owner).get(`${this.path}/deliveries/${id}`);
      return reply.status === 200 && wanted(reply.body) && reply.body;
    }, ms);
  }

  async shown() {
    return (await this.api.as(this.owner).get(this.path)).body;
  }

  /** The time that it must wait for has come. */
  async hurry() {
    await this.sql`UPDATE webhook_endpoint SET rest_until = NULL WHERE id = ${this.hook.id}`;
    await this.sql`
      UPDATE webhook_delivery SET next_at = now()
      WHERE endpoint_id = ${this.hook.id} AND state = 'pending' AND taken_until IS NULL`;
  }

  close() {
    return this.peer.stop();
  }
}
