// The measures that are ratios: ours beside pgbench doing the same transaction, and beside
// libmicrohttpd answering nothing. Each is one round: the rival first, then we.
import fs from 'node:fs';
import path from 'node:path';
import { build, lectures, load, members, request, root, writeRequests } from './stage.mjs';

const result = (us, rival) => ({ value: us.rate / rival.rate, us, rival });

const bestOf = (site, script, counts, variables) =>
  counts
    .map((c) => ({ clients: c, ...site.pgbench([script], c, variables(c))[0] }))
    .reduce((a, b) => (b.rate > a.rate ? b : a));

function redeem({ site }) {
  const rival = bestOf(site, 'redeem', [8, 64], () => ({ base: site.reserve(30_000) }));
  const list = site.redeeming(site.reserve(60_000), 60_000);
  return result(site.load(writeRequests('redeem.once', list)), rival);
}

function hot({ site }) {
  const rival = bestOf(site, 'hot', [1, 8], () => ({ base: (site.next.hot += 3) - 3 }));
  const from = (site.next.hot += 4) - 4;
  const codes = site
    .sql(`SELECT code FROM bench_code WHERE n >= ${from} AND n < ${from + 4} ORDER BY n`)
    .trim()
    .split('\n');
  const list = codes.flatMap((code) =>
    site.tokens.map((token) => request('POST', '/v1/redemptions', token, { code })),
  );
  return result(site.load(writeRequests('hot.once', list)), rival);
}

async function checkin({ site }) {
  const rival = bestOf(site, 'checkin', [8, 64], () => ({
    base: (site.next.lecture += 1) - 1,
  }));
  return result(site.load(writeRequests('checkin.once', await site.checkIns(4))), rival);
}

const nothing = (hello) => load(hello, writeRequests('hello', [request('GET', '/')]));

function lecture({ site, hello }) {
  const rival = nothing(hello);
  const list = Array.from({ length: 4096 }, (_, i) =>
    request('GET', `/v1/lectures/${site.lectureIds[i % lectures]}`, site.tokens[i]),
  );
  return result(site.load(writeRequests('lecture', list)), rival);
}

function schedule({ site, hello }) {
  const rival = nothing(hello);
  const list = [request('GET', '/v1/communities/bench/lectures')];
  return result(site.load(writeRequests('schedule', list)), rival);
}

// The server's batched statement as pgbench can send it: its arrays have one element each and come
// from rows that are read once, where the server has them at hand.
function batchOfOne() {
  const typed = `WITH typed AS MATERIALIZED (SELECT
    ARRAY[(SELECT decode(digest, 'hex') FROM bench_code WHERE n = :n)] AS p2,
    ARRAY[(SELECT id FROM bench_member WHERE n = :m)] AS p3,
    ARRAY[uuid7()] AS p4, ARRAY[NULL::text] AS p5, ARRAY[NULL::text] AS p6), `;
  const sql = fs
    .readFileSync(path.join(root, 'db/sql/code_redeem.sql'), 'utf8')
    .replace(/^--.*\n/gm, '')
    .replace(/^WITH /, typed)
    .replace(/\$1\b/g, '1000')
    .replace(/\$(\d+)::\w+\[\]/g, '(SELECT p$1 FROM typed)');
  const file = path.join(build, 'batch_of_one.pgbench');
  fs.writeFileSync(
    file,
    `\\set n :base + :i * :clients + :client_id\n\\set i :i + 1\n\\set m :n % :members\n${sql};\n`,
  );
  return file.replace(/\.pgbench$/, '');
}

// One client: what a batch of one costs beside the same job without a batch, turn about.
function p50({ site }) {
  const both = ['redeem_one', batchOfOne()];
  const [rival, us] = site.pgbench(both, 1, { base: site.reserve(20_000) }, 4);
  return { value: us.p50_us / rival.p50_us, us, rival };
}

// As many redemptions as a quick run has codes for, at the full size and at a tenth of it.
function growth({ site, small }) {
  const count = Math.min(20_000, Math.floor((small.codes * 0.9) / small.rounds));
  const rate = (s) => {
    const file = writeRequests('growth.once', s.redeeming(s.reserve(count), count));
    return s.load(file, { all: true });
  };
  const rival = rate(small);
  return result(rate(site), rival);
}

// Everybody's check-in with tokens never seen before, and then, to the next lecture, seen ones.
async function firstSecond({ site }) {
  const strangers = site.mint('member');
  const rate = async () =>
    site.load(writeRequests('first.once', await site.checkIns(1, strangers)), { all: true });
  const us = await rate();
  return result(us, await rate());
}

/** @type {Record<string, {floor: number, goal: number, lower?: true, measure: Function}>} */
export const ratios = {
  redeem: { floor: 3, goal: 6, measure: redeem },
  hot: { floor: 6, goal: 20, measure: hot },
  checkin: { floor: 1.8, goal: 4, measure: checkin },
  lecture: { floor: 0.7, goal: 1.2, measure: lecture },
  schedule: { floor: 0.7, goal: 1.2, measure: schedule },
  p50: { floor: 1.2, goal: 1, lower: true, measure: p50 },
  growth: { floor: 0.8, goal: 0.95, measure: growth },
  'first-second': { floor: 0.5, goal: 0.9, measure: firstSecond },
};
for (const m of Object.values(ratios)) m.unit = 'ratio';
