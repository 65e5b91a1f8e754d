/** Pipelined requests are answered in order, and one client connection never has more than one of them upstream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({ config: forwardAll(upstream.url) });

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

test('the second request is sent upstream only after the first has been answered', async () => {
  const answered: string[] = [];
  upstream.on('/second', (request) => {
    answered.push('second arrives');
    request.send(response(200, [], 'second'));
  });
  upstream.on('/first', () => {});
  const client = await rawClient(gateway.port);
  client.write(get('/first'), get('/second'));
  const first = await upstream.arrival('/first');
  // Others are served meanwhile: there was time enough for a second request to go out.
  for (let i = 0; i < 5; i++) await ask(gateway.port, get('/other'));
  assert.equal(upstream.requestsTo('/second').length, 0);
  answered.push('first answered');
  first.send(response(200, [], 'first'));
  assert.equal((await client.response())?.text(), 'first');
  assert.equal((await client.response())?.text(), 'second');
  assert.deepEqual(answered, ['first answered', 'second arrives']);
  client.destroy();
});

test('a hundred requests in one write are answered in order', async () => {
  const paths = Array.from({ length: 100 }, (_, i) => `/many/${i}`);
  for (const path of paths) upstream.on(path, (request) => request.send(response(200, [], request.path)));
  const client = await rawClient(gateway.port);
  client.write(paths.map(get).join(''));
  const bodies: unknown[] = [];
  for (const _ of paths) bodies.push((await client.response())?.text());
  assert.deepEqual(bodies, paths);
  client.destroy();
});

test('of a flood of requests so many are answered, the last with Connection: close, and the connection ends', async () => {
  upstream.on('/f', (request) => request.send(response(200, [], 'f')));
  const client = await rawClient(gateway.port);
  client.write('GET /f HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2_000));
  let answers = 0;
  let last = await client.response();
  for (let next = last; next !== null && next !== undefined; next = await client.response()) {
    answers++;
    last = next;
  }
  assert.ok(answers > 1_000 && answers < 2_000, `${answers} answers`);
  assert.equal(last?.header('connection'), 'close');
});

test('CONNECT behind a request that is still being answered is refused after that answer', async () => {
  const client = await rawClient(gateway.port);
  upstream.on('/slow', () => {});
  client.write(get('/slow'), 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', get('/behind'));
  const slow = await upstream.arrival('/slow');
  slow.send(response(200, [], 'slow'));
  assert.equal((await client.response())?.text(), 'slow');
  assert.equal((await client.response())?.status, 400);
  assert.equal(await client.response(), null);
  assert.equal(upstream.requestsTo('/behind').length, 0);
});

test('bodies and requests in one write are kept apart', async () => {
  const client = await rawClient(gateway.port);
  client.write(
    'POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\noneGET /between HTTP/1.1\r\nHost: a\r\n\r\n',
    'POST /two HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n',
    get('/last'),
  );
  for (let i = 0; i < 4; i++) assert.equal((await client.response())?.text(), 'ok');
  assert.equal((await (await upstream.arrival('/one')).received).bytes.toString(), 'one');
  assert.equal((await (await upstream.arrival('/two')).received).bytes.toString(), 'two');
  assert.equal(upstream.requestsTo('/between').length, 1);
  client.destroy();
});

test('a client that leaves takes its waiting requests with it', async () => {
  upstream.on('/held', () => {});
  const client = await rawClient(gateway.port);
  client.write(get('/held'), get('/never-1'), get('/never-2'));
  const held = await upstream.arrival('/held');
  client.reset();
  await held.connection.closed;
  for (let i = 0; i < 3; i++) await ask(gateway.port, get('/other'));
  assert.equal(upstream.saw('/never-'), false);
});

test('a request that was cut off while others wait before it is never sent upstream as a whole one', async () => {
  const client = await rawClient(gateway.port);
  client.write(get('/whole'), 'POST /cut-off HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
  assert.equal((await client.response())?.text(), 'ok');
  client.reset();
  for (let i = 0; i < 3; i++) await ask(gateway.port, get('/other'));
  for (const request of upstream.requestsTo('/cut-off')) assert.equal((await request.received).complete, false);
});

test('the upstream was sent nothing that is not plain HTTP', () => {
  assert.deepEqual(upstream.violations, []);
});
