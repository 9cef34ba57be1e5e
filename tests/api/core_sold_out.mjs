// A code of which nothing is left, when a crowd keeps asking: the crowd is told from memory, and
// nobody is told what is no longer so, or what is not so for them.
import { eventually, expect, patiently, race, story } from './lib/story.mjs';
import { Shop } from './lib/shop.mjs';

const env = { LYCEUM_LOOPS: '2', LYCEUM_PACE_SCALE: '1000' };
export const server = { env };

/** A code of one use, which Ann has, and Bob, who asks for it but could not have it anyway: he has
 * used another of a campaign in which everybody has one. So he takes no seat from those who come. */
async function open({ api, people }) {
  const operator = await people.operator();
  const shop = new Shop(api, operator);
  const campaign_id = (await shop.campaign({ once_per_member: true })).id;
  const [plan, ann, bob] = [await shop.plan(), await people.member(), await people.member()];
  const code = await shop.code({ plan, campaign_id });
  const other = await shop.code({ plan, campaign_id });
  const redeem = (who, { code: text } = code, at = api) =>
    at.as(who).post('/v1/redemptions', { code: text });
  const first = await redeem(ann);
  expect(first).status(201);
  expect(await redeem(bob, other)).status(201);
  const path = `/v1/codes/${code.id}`;
  return { operator, console: api.as(operator), path, code, ann, bob, first, redeem };
}

/** Answers that this server gave from memory. */
async function remembered(api) {
  const { text } = await api.get('/metrics');
  return Number(/^lyceum_answers_from_memory_total (\d+)/m.exec(text)[1]);
}

/** Bob asks as fast as he can until `run` is done; `hot` resolves when memory answers him. */
async function whileBobAsks({ bob, code, redeem }, api, run) {
  let done = false;
  const seen = new Set();
  const asking = race(8, async () => {
    while (!done) {
      const { status, body } = await redeem(bob, code, api);
      if (status !== 503) seen.add(body.code);
    }
  });
  const hot = async () => {
    const before = await remembered(api);
    await eventually(async () => (await remembered(api)) > before + 20);
  };
  try {
    await hot();
    await run(hot);
  } finally {
    done = true;
    await asking;
  }
  return [...seen].sort();
}

story('Who keeps asking is told from memory; who has it gets it again', async (stage) => {
  const hall = await open(stage);
  const seen = await whileBobAsks(hall, stage.api, async () => {
    for (let i = 0; i < 20; i++)
      expect(await patiently(() => hall.redeem(hall.ann)))
        .status(200)
        .body({ id: hall.first.id });
  });
  expect(seen).is(['code_sold_out']);
});

story('One use more, or one given back, is there for whoever asks next', async (stage) => {
  const hall = await open(stage);
  const { console, people } = { ...hall, ...stage };
  const seen = await whileBobAsks(hall, stage.api, async (hot) => {
    for (let most = 2; most < 8; most++) {
      const change = () => console.patch(hall.path, { max_uses: most });
      expect(await patiently(change)).status(200);
      const cleo = await people.member();
      const got = await patiently(() => hall.redeem(cleo));
      expect(got).status(201);
      await hot();
      const span = `/v1/members/${cleo.id}/entitlements/${got.id}`;
      const undo = () => console.post(`${span}/void`, { reason: 'By mistake' });
      expect(await patiently(undo)).status(200);
      const next = await people.member();
      expect(await patiently(() => hall.redeem(next))).status(201);
      await hot();
    }
  });
  expect(seen).is(['campaign_used', 'code_sold_out']);
});

story('What another process changed is known within a second', async (stage) => {
  const hall = await open(stage);
  const second = await stage.start(env);
  const there = stage.api.on(second).as(hall.operator);
  await whileBobAsks(hall, stage.api, async (hot) => {
    for (let most = 2; most < 5; most++) {
      const newcomer = await stage.people.member();
      const change = () => there.patch(hall.path, { max_uses: most });
      expect(await patiently(change)).status(200);
      const until = Date.now() + 1000;
      let asked;
      let reply;
      do {
        asked = Date.now();
        reply = await hall.redeem(newcomer);
      } while (reply.status === 503 || (reply.status === 409 && asked < until));
      expect(reply).status(201);
      await hot();
    }
  });
});
