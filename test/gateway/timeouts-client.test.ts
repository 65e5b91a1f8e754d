/** A client that is too slow is told so, if it has said anything at all, and its connection is closed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const headersMs = 600;
const idleMs = 1_500;
const tryMs = 800;

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    proxy: { timeouts: { headers: headersMs, idle: idleMs } },
    upstreams: [{ name: 'api', url: upstream.url, timeout: tryMs }],
    routes: [
      { path: '/*', upstream: 'api' },
      { path: '/patient', upstream: 'api', timeout: 20_000 },
    ],
  },
});
const [worker] = gateway.workers();

test('half a head: 408 request_timeout', async () => {
  const client = await rawClient(gateway.port);
  client.write('GET /half HTTP/1.1\r\nHost: a\r\nX-Ha');
  assertTooSlow(await client.response());
  await client.closed();
});

test('a head that comes byte by byte is not saved by coming', async () => {
  const client = await rawClient(gateway.port);
  client.write('GET /dripping HTTP/1.1\r\nHost: a\r\nX-Drip: ');
  const drip = setInterval(() => client.write('.'), 50);
  const answer = await client.response();
  clearInterval(drip);
  assertTooSlow(answer);
  await client.closed();
});

test('half of a second head on a connection: 408 as well', async () => {
  const client = await rawClient(gateway.port);
  client.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await client.response())?.status, 200);
  client.write('GET /second HTTP/1.1\r\n');
  assertTooSlow(await client.response());
  await client.closed();
});

test('a connection on which nothing was ever said is closed without a word', async () => {
  const client = await rawClient(gateway.port);
  const openedAt = performance.now();
  await client.closed();
  assert.equal(client.received.length, 0);
  assert.ok(performance.now() - openedAt >= headersMs - 20);
});

test('a connection that is silent between requests is closed without a word', async () => {
  const client = await rawClient(gateway.port);
  client.write('GET /kept HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await client.response())?.status, 200);
  const answeredAt = performance.now();
  assert.equal(await client.response(), null);
  assert.ok(performance.now() - answeredAt >= idleMs - 20);
});

for (const [framing, head, part] of [
  ['stated length', 'Content-Length: 100', 'part'],
  ['chunks', 'Transfer-Encoding: chunked', '4\r\npart\r\n'],
] as const) {
  test(`a body of ${framing} that stops coming: 408 request_timeout, and the upstream request is aborted`, async () => {
    const path = `/stops/${framing.length}`;
    const client = await rawClient(gateway.port);
    client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n${part}`);
    const request = await upstream.arrival(path);
    await request.receives('part');
    const stoppedAt = performance.now();
    assertTooSlow(await client.response());
    assert.ok(performance.now() - stoppedAt >= idleMs - 100);
    assert.equal((await within(request.received, 'the upstream request to end')).complete, false);
    await client.closed();
  });
}

test('a body that never begins to come: 408 request_timeout', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /never HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
  assertTooSlow(await client.response());
  await client.closed();
});

test('a body that comes slowly, but comes, may take its time; only then the clock of the try begins', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /slowly HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  // Longer than a try may take, and than silence may last.
  for (let i = 0; i < 12; i++) {
    await delay(idleMs / 10);
    client.write(`3\r\n${String(i).padStart(3, '-')}\r\n`);
  }
  client.write('0\r\n\r\n');
  assert.equal((await client.response())?.status, 200);
  assert.equal((await (await upstream.arrival('/slowly')).received).bytes.length, 36);
  client.destroy();
});

test('an upstream that is silent after a slow upload: 504 upstream_timeout', async () => {
  upstream.on('/then-silent', () => {});
  const client = await rawClient(gateway.port);
  client.write('POST /then-silent HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab');
  await (await upstream.arrival('/then-silent')).receives('ab');
  await delay(tryMs + 100);
  client.write('cd');
  const answer = await client.response();
  assert.equal(answer?.status, 504);
  assert.equal(answer.json()['code'], 'upstream_timeout');
  client.destroy();
});

test('a client that waits for a slow answer is not silent', async () => {
  upstream.on('/patient', async (request) => {
    await delay(2 * idleMs + 500);
    request.send(response(200, [], 'at last'));
  });
  const client = await rawClient(gateway.port);
  client.write('GET /patient HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await client.response())?.text(), 'at last');
  client.destroy();
});

test('a client that does not read its answer is cut, and the upstream let go', async () => {
  const piece = Buffer.alloc(64 * 1024, 'x');
  upstream.on('/unread', (request) => {
    const { socket } = request.connection;
    request.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const push = (): void => {
      while (!socket.destroyed && socket.write(Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')])));
    };
    socket.on('drain', push);
    push();
  });
  const client = await rawClient(gateway.port);
  client.write('GET /unread HTTP/1.1\r\nHost: a\r\n\r\n');
  client.socket.pause();
  await within((await upstream.arrival('/unread')).connection.closed, 'the upstream to be let go');
  client.destroy();
});

test('the worker has lived through all of it', async () => {
  const client = await rawClient(gateway.port);
  client.write('GET /alive HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await client.response())?.status, 200);
  assert.deepEqual(gateway.workers(), [worker]);
  assert.deepEqual(upstream.violations, []);
  client.destroy();
});

function assertTooSlow(answer: RawResponse | null): void {
  assert.equal(answer?.status, 408, answer?.text());
  assert.match(answer.header('content-type') ?? '', /^application\/problem\+json/);
  assert.match(answer.header('connection') ?? '', /close/i);
  assert.equal(answer.json()['code'], 'request_timeout');
}
