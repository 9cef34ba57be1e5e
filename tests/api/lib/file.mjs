// One story file in a process of its own: clones a database, starts a server, tells the stories.
import http from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readFileSync } from 'node:fs';
import { Client, dump } from './client.mjs';
import { Contract } from './contract.mjs';
import { Command } from './command.mjs';
import { connect, dropClone, makeClone, randomId, urlOf } from './database.mjs';
import { Disappointment } from './expect.mjs';
import { makeMailbox } from './mailbox.mjs';
import { makeCommunity, People, PASSWORD } from './people.mjs';
import { talk } from './peers.mjs';
import { Server } from './server.mjs';
import { stories } from './story.mjs';
import { makeForge } from './tokens.mjs';

const job = JSON.parse(process.env.LYCEUM_STORY);
const conninfo = process.env.LYCEUM_TEST_PG;
const send = (message) => new Promise((sent) => process.send(message, sent));

const stage = {
  agent: new http.Agent({ keepAlive: true, maxSockets: 256 }),
  secrets: new Set([PASSWORD]),
  contract: null,
  breaches: [],
  seen(reply, unchecked) {
    if (unchecked || !stage.contract) return;
    for (const what of stage.contract.check(reply)) {
      stage.breaches.push(`against /openapi.json: ${what}\n${dump(reply)}`);
    }
  },
};
const servers = [];

function launchServer(env = {}) {
  const number = servers.length ? `-${servers.length + 1}` : '';
  const server = new Server({
    server: job.server,
    url: urlOf(conninfo, stage.database),
    out: job.out,
    log: join(job.out, `${job.name}${number}.log`),
    env: { ...stage.options.env, ...env },
  });
  servers.push(server);
  return server;
}

const startServer = (env) => launchServer(env).ready();

/** sql`SELECT … ${value}` as the owner of the database; gives the rows. */
function makeSql(client) {
  return async (texts, ...values) => {
    const query = texts.reduce((all, text, i) => `${all}$${i}${text}`);
    return (await client.query(query, values)).rows;
  };
}

async function readContract(server) {
  const reply = await fetch(`${server.url}/openapi.json`);
  if (!reply.ok) throw new Error(`/openapi.json answers ${reply.status}`);
  return new Contract(await reply.json());
}

/** What a story is handed. */
async function makeContext(server, sql) {
  const api = new Client(stage, server);
  const community = await makeCommunity(sql);
  return {
    api,
    community,
    sql,
    server,
    people: new People(sql, api, community),
    mailbox: makeMailbox(sql, stage.secrets),
    forge: makeForge(sql),
    /** Another community, for what must not cross over. */
    another: (more) => makeCommunity(sql, more),
    /** A further server process on the same database: api.on(await start()). */
    start: startServer,
    /** The same, not waited for: one that may never be ready. */
    launch: launchServer,
    /** A connection of its own to the database, for locks: await (await session()).query('…') */
    session: () => connect(conninfo, stage.database),
    talk: (text, how) => talk(server.port, text, how),
    log: () => readFileSync(server.log, 'utf8'),
    /** Runs `lyceum WORDS…` on this story's database: see lib/command.mjs. */
    lyceum: (words, more) =>
      new Command({
        ...more,
        program: job.server,
        words,
        url: urlOf(conninfo, stage.database),
        out: job.out,
      }),
    /** Never to be seen in a log from here on. */
    secret: (text) => stage.secrets.add(text),
    random: randomId,
    /** The folder of this run's logs, for what a story wants to keep. */
    out: job.out,
  };
}

function told(error) {
  const words = error instanceof Disappointment ? error.message : (error.stack ?? String(error));
  const line = /([\w-]+\.mjs:\d+):\d+/.exec(
    (error.stack ?? '').split('\n').find((l) => l.includes(`/${job.name}.mjs`)) ?? '',
  );
  return line ? `${line[1]}: ${words}` : words;
}

async function tell({ title, tell, ms }, server, sql) {
  stage.breaches = [];
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`not done after ${ms} ms`)), ms);
  });
  const troubles = [];
  try {
    await Promise.race([makeContext(server, sql).then(tell), late]);
  } catch (error) {
    troubles.push(told(error));
  }
  clearTimeout(timer);
  troubles.push(...stage.breaches.slice(0, 3));
  await send({ title, passed: !troubles.length, trouble: troubles.join('\n') });
}

async function end(sql) {
  stage.agent.destroy();
  const troubles = [];
  for (const server of servers) troubles.push(...(await server.stop()));
  await send({ secrets: [...stage.secrets] }); // looked for when all is done
  await sql?.end();
  if (stage.database) await dropClone(conninfo, stage.database);
  if (stage.contract) await send({ coverage: stage.contract.coverage });
  if (troubles.length) {
    await send({ title: 'its server', passed: false, trouble: troubles.join('\n') });
  }
}

process.on('SIGTERM', () => {
  for (const server of servers) server.child.kill('SIGKILL');
  process.exit(1);
});

let client;
try {
  const file = await import(pathToFileURL(join(job.from, `${job.name}.mjs`)));
  stage.options = { template: 'plain', env: {}, ...file.server };
  stage.database = await makeClone(conninfo, job, stage.options.template);
  client = await connect(conninfo, stage.database);
  const server = await startServer();
  stage.contract = await readContract(server);
  for (const one of stories) await tell(one, server, makeSql(client));
} catch (error) {
  await send({ title: 'getting ready', passed: false, trouble: told(error) });
}
await end(client);
process.exit(0);
