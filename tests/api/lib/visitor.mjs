// What a visitor does on the way to a membership: asks for a code, reads it, signs up with it.
import { eventually } from './peers.mjs';

export const CONSENTS = { rules_version: 1, privacy_version: 1 };

/** Asks for a code and reads it from the mailbox: `{ challenge, code }`, as bodies want it. */
export async function proof({ api, community, mailbox }, contact, purpose = 'sign_up') {
  const reply = await api.post(`${community.path}/challenges`, { contact, purpose });
  if (reply.status !== 202) throw new Error(`no challenge for ${contact}: ${reply.text}`);
  return { challenge: reply.id, code: await mailbox.code(contact) };
}

/** Signs up; gives the reply. */
export async function signUp(context, contact, more = {}) {
  const { api, community } = context;
  return api.post(`${community.path}/members`, {
    ...(await proof(context, contact)),
    display_name: 'Newcomer',
    ...CONSENTS,
    ...more,
  });
}

/** As if a minute had passed since this contact was last written to. */
export function wait(sql) {
  return sql`
    UPDATE contact_budget SET last_at = last_at - interval '2 minutes',
      day = (now() AT TIME ZONE 'UTC')::date`; // though midnight passes meanwhile
}

/** A code that is not this one. */
export const wrong = (code) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

/** The days in which a deletion can be taken back are over, and the job has done its work. */
export async function erased(sql, { account }) {
  await sql`UPDATE account SET erase_after = now() - interval '1 second' WHERE id = ${account}`;
  await sql`UPDATE job SET run_at = now() WHERE kind = 'erase_account'`;
  await eventually(async () => {
    const [job] = await sql`
      SELECT state FROM job WHERE kind = 'erase_account' AND unique_key = ${account}`;
    return job.state === 'done';
  });
}
