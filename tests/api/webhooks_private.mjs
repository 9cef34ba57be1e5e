// What a webhook's address may not lead to, on a server as it is set up for the world.
import http from 'node:http';
import { once } from 'node:events';
import { eventually, expect, story } from './lib/story.mjs';

story('Nothing is sent into a private network, whatever its name', async (stage) => {
  const { api, people, sql } = stage;
  const owner = await people.owner();
  const hits = [];
  const inside = http.createServer((request, response) => {
    hits.push(request.url);
    response.end();
  });
  inside.listen(0);
  await once(inside, 'listening');
  const { port } = inside.address();
  const create = (url) => api.as(owner).post('/v1/webhooks', { url });
  const metadata = '169.254.169.254';
  for (const host of ['127.0.0.1', '10.0.0.1', '[::1]', metadata, '[::ffff:10.0.0.1]', '0']) {
    const reply = await create(`https://${host}:${port}/`);
    expect(reply).problem('body_invalid').fault('/url', 'private');
  }
  expect(await create(`http://hooks.example.org:${port}/`))
    .problem('body_invalid')
    .fault('/url', 'not_https');
  const made = await create(`https://localhost:${port}/by-name`);
  expect(made).status(201);
  const path = `/v1/webhooks/${made.id}`;
  const { id } = (await api.as(owner).post(`${path}/test`)).body;
  const tried = () =>
    eventually(async () => {
      const { body } = await api.as(owner).get(`${path}/deliveries/${id}`);
      return body.tries.length && body;
    });
  const error = 'it leads to an address that is not public';
  expect(await tried()).matches({ last_status: null, last_error: error });
  // In a demo community http is good, but a private network is not.
  const plain = `http://localhost:${port}/plain`;
  const patch = (body) => api.as(owner).patch(path, body);
  expect(await patch({ url: plain })).problem('body_invalid').fault('/url', 'not_https');
  await sql`UPDATE community SET demo = true`;
  expect(await patch({ url: plain })).status(200).body({ url: plain });
  const before = (await tried()).tries.length;
  expect(await api.as(owner).post(`${path}/deliveries/${id}/replay`)).status(200);
  await eventually(async () => {
    const { body } = await api.as(owner).get(`${path}/deliveries/${id}`);
    return body.tries.length > before && body.last_error === error;
  });
  expect(hits).is([]);
  inside.close();
});
