// What the server would have sent by mail and SMS; with LYCEUM_DEMO=1 it is kept in the database.
import { eventually } from './peers.mjs';

export function makeMailbox(sql, secrets) {
  const all = (recipient) =>
    sql`SELECT channel, recipient, subject, body FROM mailbox
        WHERE recipient = ${recipient} ORDER BY at, id`;
  return {
    all,
    /** The latest message to this contact; waits for the first one. */
    latest: (recipient) => eventually(async () => (await all(recipient)).at(-1)),
    /** The six-digit code in the latest message. */
    async code(recipient) {
      const { body } = await eventually(async () =>
        (await all(recipient)).filter((message) => /\b\d{6}\b/.test(message.body)).at(-1),
      );
      const code = /\b\d{6}\b/.exec(body)[0];
      secrets.add(code);
      return code;
    },
  };
}
