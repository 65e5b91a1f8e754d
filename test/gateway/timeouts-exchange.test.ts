/** proxy.timeout is for a whole exchange, upstream.timeout for a try until its head is there; what a route says stands instead. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const wholeMs = 1_000;
/** Longer than any limit that must not be the one that applies. */
const longMs = 60_000;

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    proxy: { timeout: wholeMs, timeouts: { idle: 2_000 } },
    upstreams: [
      { name: 'api', url: upstream.url, timeout: longMs },
      { name: 'brisk', url: upstream.url, timeout: 200 },
    ],
    routes: [
      { path: '/*', upstream: 'api' },
      { path: '/brisk/*', upstream: 'brisk' },
      { path: '/route-shorter', upstream: 'api', timeout: 200 },
      { path: '/route-longer', upstream: 'brisk', timeout: longMs },
      { path: '/try-shorter', upstream: 'api', timeout: longMs, tryTimeout: 200 },
      { path: '/try-alone', upstream: 'brisk', tryTimeout: longMs },
      { path: '/no-limit', upstream: 'brisk', timeout: 0 },
    ],
  },
});
const [worker] = gateway.workers();

/** Answers, but only after every limit that must not apply. */
async function answerLate(path: string): Promise<void> {
  upstream.on(path, async (request) => {
    await delay(wholeMs + 500);
    request.send(response(200, [], 'late'));
  });
}

for (const [path, leastMs] of [
  ['/waiting', wholeMs],
  ['/brisk/waiting', 200],
  ['/route-shorter', 200],
  ['/try-shorter', 200],
  ['/try-alone', wholeMs],
] as const) {
  test(`an upstream that keeps ${path} waiting: 504 upstream_timeout after ${leastMs} ms, and the request is aborted`, async () => {
    upstream.on(path, () => {});
    const startedAt = performance.now();
    const answer = await get(path);
    assert.ok(performance.now() - startedAt >= leastMs - 20);
    assert.equal(answer.status, 504, answer.text());
    assert.equal(answer.json()['code'], 'upstream_timeout');
    await within((await upstream.arrival(path)).connection.closed, 'the upstream request to be aborted');
  });
}

for (const path of ['/route-longer', '/no-limit']) {
  test(`${path}: the timeout of a route replaces that of the proxy and that of a try`, async () => {
    await answerLate(path);
    assert.equal((await get(path)).text(), 'late');
  });
}

test('a body that outlasts the exchange is cut, however steadily it comes', async () => {
  upstream.on('/steady', async (request) => {
    request.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const { socket } = request.connection;
    const drip = setInterval(() => request.send('4\r\ndrip\r\n'), 50);
    socket.once('close', () => clearInterval(drip));
  });
  const client = await rawClient(gateway.port);
  const startedAt = performance.now();
  client.write('GET /steady HTTP/1.1\r\nHost: a\r\n\r\n');
  const answer = await client.response();
  assert.ok(performance.now() - startedAt >= wholeMs - 20);
  assert.equal(answer?.status, 200);
  assert.equal(answer.complete, false);
  await within((await upstream.arrival('/steady')).connection.closed, 'the upstream request to be aborted');
});

test('an event stream goes on beyond it, until it has been silent for timeouts.idle', async () => {
  const client = await rawClient(gateway.port);
  upstream.on('/events', (request) =>
    request.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'),
  );
  client.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
  const request = await upstream.arrival('/events');
  await client.receives('text/event-stream');
  await delay(wholeMs + 500);
  request.send('d\r\ndata: first\n\n\r\n');
  await client.receives('data: first');
  const sentAt = performance.now();
  const answer = await client.response();
  assert.ok(performance.now() - sentAt >= 1_900);
  assert.equal(answer?.complete, false);
  await within(request.connection.closed, 'the upstream to be let go');
});

test('an upgraded connection goes on beyond it, until it has been silent for timeouts.idle', async () => {
  upstream.on('/socket', (request) => {
    request.takenOver = true;
    request.send(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
    );
  });
  const client = await rawClient(gateway.port);
  client.write(
    'GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  assert.equal((await client.response())?.status, 101);
  await delay(wholeMs + 500);
  const request = await upstream.arrival('/socket');
  request.send('\x81\x05hello');
  await client.receives('\x81\x05hello');
  const saidAt = performance.now();
  await within(request.connection.closed, 'the upstream to be let go');
  assert.ok(performance.now() - saidAt >= 1_900);
  client.destroy();
});

test('an answer whose body stops coming is cut after timeouts.idle', async () => {
  upstream.on('/route-longer', (request) => request.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart'));
  const client = await rawClient(gateway.port);
  client.write('GET /route-longer HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.receives('part');
  const answer = await client.response();
  assert.equal(answer?.complete, false);
  client.destroy();
});

test('the worker has lived through all of it', async () => {
  assert.equal((await get('/alive')).status, 200);
  assert.deepEqual(gateway.workers(), [worker]);
  assert.deepEqual(upstream.violations, []);
});

async function get(path: string): Promise<RawResponse> {
  const client = await rawClient(gateway.port);
  client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const answer = await client.response();
  client.destroy();
  assert.ok(answer !== null);
  return answer;
}
