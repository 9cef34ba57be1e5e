import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, story } from './lib/story.mjs';

const tests = fileURLToPath(new URL('..', import.meta.url));
const quiet = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', CI: '1' };

/** Runs a linter of tests/node_modules; resolves to its exit status and what it said. */
function run(program, ...words) {
  const env = { ...process.env, ...quiet };
  return new Promise((done) => {
    const where = join(tests, 'node_modules/.bin', program);
    execFile(where, words, { cwd: tests, env }, (error, out, err) => {
      done({ status: error ? (error.code ?? 1) : 0, said: `${out}${err}` });
    });
  });
}

story('Two independent linters find no error in the OpenAPI document', async ({ api, out }) => {
  const reply = await api.get('/openapi.json');
  expect(reply).status(200).header('content-type', 'application/json');
  const folder = join(out, 'openapi');
  mkdirSync(folder, { recursive: true });
  const document = join(folder, 'openapi.json');
  writeFileSync(document, JSON.stringify(reply.body, null, 1));
  const rules = join(folder, 'spectral.yaml');
  writeFileSync(rules, 'extends: ["spectral:oas"]\n');

  const [redocly, spectral] = await Promise.all([
    run('redocly', 'lint', '--extends=recommended', '--format=codeframe', document),
    run('spectral', 'lint', '--fail-severity=error', '--ruleset', rules, document),
  ]);
  expect(redocly.status).is(0, redocly.said);
  expect(spectral.status).is(0, spectral.said);
});

story('Every operation has a name, a tag, a summary, and says who may call it', async ({ api }) => {
  const { body } = await api.get('/openapi.json');
  const tags = body.tags.map(({ name }) => name);
  for (const { name, description } of body.tags) {
    expect(/\p{Script=Han}/u.test(description)).isTrue(`${name} has no Chinese name`);
  }
  const seen = new Set();
  for (const [path, verbs] of Object.entries(body.paths)) {
    for (const [verb, operation] of Object.entries(verbs)) {
      const what = `${verb} ${path}`;
      expect(seen.has(operation.operationId)).is(false, `${what}: its name is another's, too`);
      seen.add(operation.operationId);
      expect(tags.includes(operation.tags[0])).isTrue(`${what}: its tag is not listed`);
      expect(operation.summary.length).atLeast(5);
      const open = operation['x-who'] === 'anyone';
      expect(operation.security.length).is(open ? 0 : 1, what);
      if (!open) expect(operation.responses).matches({ 401: Boolean });
    }
  }
  expect(body.openapi).matches(/^3\.1\./);
});

story('Problems lead to their explanation', async ({ api }) => {
  const reply = await api.get('/v1/nothing');
  expect(reply).problem('not_found', 404).body({ type: '/docs/problems#not_found' });
  const page = await api.get('/docs/problems');
  expect(page)
    .status(200)
    .header('content-type', /^text\/html/)
    .text(/id="not_found"/);
  const { body } = await api.get('/openapi.json');
  for (const code of body.components.schemas.problem.properties.code.enum) {
    expect(page).text(new RegExp(`id="${code}"`));
  }
});

story('The reference shows every endpoint and fetches nothing', async ({ api }) => {
  const page = await api.get('/docs');
  expect(page)
    .status(200)
    .header('content-security-policy', /^default-src 'none'/)
    .header('content-type', /^text\/html/);
  expect(/<script|<link|<img|src=|@import|url\(/i.test(page.text)).is(false, 'it fetches');
  const { body } = await api.get('/openapi.json');
  for (const verbs of Object.values(body.paths)) {
    for (const { operationId } of Object.values(verbs)) {
      expect(page).text(new RegExp(`id="${operationId}"`));
    }
  }
  const anchors = [...page.text.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  for (const id of new Set(anchors)) expect(page).text(new RegExp(`id="${id}"`));
});

story('What has not changed is not sent again', async ({ api }) => {
  for (const path of ['/openapi.json', '/docs', '/docs/problems']) {
    const first = await api.get(path);
    expect(first)
      .status(200)
      .header('etag', /^"[0-9a-f]{32}"$/);
    const etag = first.header('etag');
    const second = await api.get(path, { headers: { 'If-None-Match': `"other", ${etag}` } });
    expect(second).status(304).text('').header('etag', etag).header('content-type', null);
  }
});
