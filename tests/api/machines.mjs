import { expect, story } from './lib/story.mjs';

story('Probes answer a monitor', async ({ api }) => {
  expect(await api.get('/healthz'))
    .status(200)
    .text('ok\n');
  expect(await api.get('/readyz'))
    .status(200)
    .body({ status: 'ready', database: true });
});
