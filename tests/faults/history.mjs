// What was asked and what was answered, and whether the database says the same.
//
// A request is one member's wish for one thing: `code/17/4` is member 4 redeeming code 17,
// `lecture/0/9` member 9 checking in. Each try ends as ok (the server said so), failed (the server
// said that nothing was done, or was never reached) or unknown (the connection broke after the
// request was sent, or the server said that it does not know).
export class History {
  wishes = new Map();
  counts = { ok: 0, repeated: 0, failed: 0, unknown: 0, told: 0, away: 0 };
  wrong = []; // answers that should not be
  slowest = 0;
  slowestGood = 0; // of those that were acknowledged

  /** `told`: the server itself said that it does not know; `away`: a 503 or no answer at all. */
  record(wish, { verdict, proof, told, away }) {
    this.wishes.set(wish.key, wish);
    wish.tries = (wish.tries ?? 0) + 1;
    this.counts[verdict]++;
    if (told) this.counts.told++;
    if (away) this.counts.away++;
    if (verdict === 'unknown') wish.unknown = true;
    if (verdict !== 'ok') return;
    if (wish.proof !== undefined) {
      this.counts.repeated++;
      if (wish.proof !== proof) this.wrong.push(`${wish.key}: first ${wish.proof}, then ${proof}`);
    }
    wish.proof ??= proof;
  }

  get acknowledged() {
    return this.counts.ok - this.counts.repeated;
  }

  /** Compares with `kept`: what the database holds, key to proof. */
  compare(kept) {
    const lost = [];
    const ghosts = [];
    let unclear = 0;
    for (const wish of this.wishes.values()) {
      const there = kept.get(wish.key);
      if (wish.proof !== undefined) {
        if (there !== wish.proof) lost.push(wish.key);
      } else if (wish.unknown) unclear += there !== undefined;
      else if (there !== undefined) ghosts.push(wish.key);
    }
    for (const key of kept.keys()) if (!this.wishes.has(key)) ghosts.push(key);
    return { lost, ghosts, unclear };
  }
}

/** What the database holds of all that can be asked for; `before` is left out. */
export function kept(stage, before = new Map()) {
  const rows = stage.rows(`
    SELECT 'code/' || b.n - 1 || '/' || m.n, r.id::text
    FROM redemption r JOIN invite_code c ON c.community_id = r.community_id AND c.id = r.code_id
    JOIN bench_code b ON decode(b.digest, 'hex') = c.digest
    JOIN bench_member m ON m.id = r.member_id
    UNION ALL
    SELECT 'lecture/' || l.n || '/' || m.n, a.state
    FROM attendance a JOIN bench_lecture l ON l.id = a.lecture_id
    JOIN bench_member m ON m.id = a.member_id`);
  return new Map(rows.filter(([key]) => !before.has(key)));
}

/** Codes whose books don't balance: uses = live redemptions = entitlements = lines of the log. */
export const BOOKS = `
  SELECT count(*) FROM invite_code c
  LEFT JOIN (
    SELECT r.code_id, count(*) AS n, count(e.id) AS spans, count(a.id) AS lines FROM redemption r
    LEFT JOIN entitlement e ON e.community_id = r.community_id AND e.member_id = r.member_id
      AND e.id = r.id AND e.redemption_id = r.id AND e.voided_at IS NULL
    LEFT JOIN audit_log a ON a.community_id = r.community_id AND a.id = r.id
    WHERE r.released_at IS NULL GROUP BY r.code_id
  ) r ON r.code_id = c.id
  WHERE c.used > c.max_uses OR (c.used, c.used, c.used) IS DISTINCT FROM
    (coalesce(r.n, 0), coalesce(r.spans, 0), coalesce(r.lines, 0))`;

/** Codes with more redemptions than uses, and entitlements that no redemption has. */
export const OVERSOLD = `
  SELECT (SELECT count(*) FROM invite_code c
          LEFT JOIN (SELECT code_id, count(*) AS n FROM redemption GROUP BY code_id) r
            ON r.code_id = c.id
          WHERE c.max_uses < greatest(c.used, r.n))
       + (SELECT count(*) FROM entitlement e
          LEFT JOIN redemption r ON r.community_id = e.community_id AND r.member_id = e.member_id
            AND r.id = e.redemption_id
          WHERE e.source = 'code' AND r.id IS NULL)`;
