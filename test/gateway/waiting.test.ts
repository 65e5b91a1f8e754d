/** Of an upstream's connections there are so many, and of requests that wait for one so many more; the next is refused at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  workers: 1,
  config: {
    upstreams: [
      { name: 'narrow', url: upstream.url, maxConnections: 1, maxPending: 1 },
      { name: 'none-waits', url: upstream.url, maxConnections: 1, maxPending: 0 },
    ],
    routes: [
      { path: '/narrow/*', upstream: 'narrow' },
      { path: '/none-waits/*', upstream: 'none-waits' },
    ],
  },
});

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

test('one is answered, one waits, and the next gets 503 overloaded; then the waiting one has its turn', async () => {
  upstream.on('/narrow/first', () => {});
  const first = await rawClient(gateway.port);
  first.write(get('/narrow/first'));
  const held = await upstream.arrival('/narrow/first');
  // Which of two that come together has to wait is the kernel's choice: the other one is refused at once.
  const clients = [await rawClient(gateway.port), await rawClient(gateway.port)];
  const answers = clients.map((client) => {
    client.write(get('/narrow/next'));
    return client.response();
  });
  const refused = (await Promise.race(answers)) ?? assert.fail('no answer');
  assert.equal(refused.status, 503);
  assert.equal((JSON.parse(refused.text()) as { code: string }).code, 'overloaded');
  assert.ok(Number(refused.header('retry-after')) > 0);
  assert.equal(upstream.requestsTo('/narrow/next').length, 0);
  held.send(response(200, [], 'first'));
  assert.equal((await first.response())?.text(), 'first');
  const statuses = (await Promise.all(answers)).map((answer) => answer?.status);
  assert.ok(statuses.includes(200) && statuses.includes(503), String(statuses));
  assert.equal(upstream.requestsTo('/narrow/next').length, 1);
});

test('a waiting client that leaves is never sent upstream, and makes room', async () => {
  upstream.on('/narrow/holds', () => {});
  const holder = await rawClient(gateway.port);
  holder.write(get('/narrow/holds'));
  const held = await upstream.arrival('/narrow/holds');
  const leaver = await rawClient(gateway.port);
  leaver.write('GET /narrow/leaver HTTP/1.1\r\nHost: a\r\nX-Request-Id: leaver\r\n\r\n');
  await ask(gateway.port, get('/health/live'));
  leaver.destroy();
  assert.equal((await gateway.accessLog('leaver'))['status'], 499);
  const next = await rawClient(gateway.port);
  next.write(get('/narrow/next'));
  held.send(response(200, [], 'held'));
  assert.equal((await next.response())?.status, 200);
  assert.equal(upstream.requestsTo('/narrow/leaver').length, 0);
});

test('what a client sends of its body after it has been refused changes nothing', async () => {
  upstream.on('/none-waits/holds', () => {});
  const holder = await rawClient(gateway.port);
  holder.write(get('/none-waits/holds'));
  const held = await upstream.arrival('/none-waits/holds');
  const client = await rawClient(gateway.port);
  client.write(
    'POST /none-waits/x HTTP/1.1\r\nHost: a\r\nX-Request-Id: refused\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
  );
  assert.equal((await client.response())?.status, 503);
  client.write('no chunk at all\r\n\r\n');
  const line = await gateway.accessLog('refused');
  assert.deepEqual([line['status'], line['code'], line['aborted']], [503, 'overloaded', undefined]);
  held.send(response(200, [], 'held'));
  assert.equal((await holder.response())?.status, 200);
});
