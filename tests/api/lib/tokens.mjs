// Access tokens signed by the stories with the server's own key: expired ones, ones for another
// audience, ones of somebody whose session was made by hand, without the work of a sign-in.
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';

// The stories' servers all have this secret and call themselves by this address, so that a token
// of one is good at the others.
export const SECRET = '5ec7e7'.repeat(11).slice(0, 64);
export const PUBLIC_URL = 'http://lyceum.test';

const sealing = hkdfSync('sha256', Buffer.from(SECRET, 'hex'), '', 'lyceum/1 sealing', 32);

/** Undoes crypto_seal: nonce(12) | ciphertext | tag(16), bound to `bound`. */
function unseal(sealed, bound) {
  const open = createDecipheriv('aes-256-gcm', Buffer.from(sealing), sealed.subarray(0, 12));
  open.setAAD(Buffer.from(bound));
  open.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([open.update(sealed.subarray(12, -16)), open.final()]);
}

/** The server's own private key. */
export async function signingKey(sql) {
  const [{ kid, sealed_private }] = await sql`
    SELECT kid, sealed_private FROM signing_key
    WHERE retired_at IS NULL ORDER BY active_from DESC LIMIT 1`;
  const der = unseal(sealed_private, kid);
  return { kid, key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) };
}

/** forge(person, { exp: 1, aud: 'x' }): what the server would sign, with these claims instead. The
 * header can be changed, too: forge(person, {}, { typ: 'JWT' }). */
export function makeForge(sql) {
  let key;
  return async (person, claims = {}, header = {}) => {
    key ??= await signingKey(sql);
    const now = Math.floor(Date.now() / 1000);
    const all = {
      iss: PUBLIC_URL,
      aud: `${PUBLIC_URL}/v1`,
      sub: person.account,
      client_id: 'lyceum',
      iat: now,
      exp: now + 7200,
      jti: randomUUID(),
      sid: person.session ?? randomUUID(),
      community: person.community.id,
      member: person.id,
      role: person.role,
      ver: 1,
      ...claims,
    };
    return new SignJWT(all)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...header })
      .sign(key.key);
  };
}

/** A session made by hand, and a token for it: quick, where many people are needed. */
export async function openSession(sql, forge, person) {
  person.session = person.id.replace(/^.{8}/, randomBytes(4).toString('hex'));
  await sql`
    INSERT INTO session (community_id, id, account_id, member_id, refresh_digest, expires_at)
    VALUES (${person.community.id}, ${person.session}, ${person.account}, ${person.id},
            ${randomBytes(32)}, now() + interval '1 day')`;
  person.token = await forge(person);
  return person;
}
