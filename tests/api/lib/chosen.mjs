// Chosen codes made with SQL, for stories that need something to redeem and not its making.
import { createHmac, hkdfSync } from 'node:crypto';
import { randomId } from './database.mjs';
import { uuid7 } from './people.mjs';
import { SECRET } from './tokens.mjs';

const pepper = Buffer.from(
  hkdfSync('sha256', Buffer.from(SECRET, 'hex'), '', 'lyceum/1 code pepper', 32),
);
const name = JSON.stringify({ en: 'A thing' });

/** A function that makes codes of one plan: `{ id, code }`, redeemed by `code`. */
export async function makeCodes(sql, community) {
  const product = uuid7();
  const plan = uuid7();
  await sql`
    INSERT INTO product (community_id, id, slug, kind, name)
    VALUES (${community.id}, ${product}, ${`p-${randomId()}`}, 'membership', ${name})`;
  await sql`
    INSERT INTO plan (community_id, id, product_id, slug, version, name, price_minor, currency,
                      period_unit, period_count, grace_days, renews)
    VALUES (${community.id}, ${plan}, ${product}, 'year', 1, ${name}, 100, 'CNY', 'year', 1, 0,
            true)`;
  return async ({ maxUses = 1000 } = {}) => {
    const id = uuid7();
    // Normalised as the server does it: no letters O, I and L.
    const code = `STORY${randomId().toUpperCase()}`;
    const normal = code.replaceAll('O', '0');
    await sql`
      INSERT INTO invite_code (community_id, id, digest, hint, machine, effect, product_id,
                               plan_id, days, max_uses)
      VALUES (${community.id}, ${id}, ${createHmac('sha256', pepper).update(normal).digest()}, 'S',
              false, 'days', ${product}, ${plan}, 30, ${maxUses})`;
    return { id, code };
  };
}
