/** Sizes and numbers that a client must keep to: what is larger is refused by name, and what is exactly as large passes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, within } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { ask, type RawClient, type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const config = {
  proxy: { maxBodySize: 1000, maxHeaderSize: '4kb', maxHeaders: 20, maxUrlLength: 500 },
  upstreams: [{ name: 'api', url: upstream.url }],
  routes: [
    { path: '/*', upstream: 'api' },
    { path: '/large/*', upstream: 'api', maxBodySize: '100kb' },
    { path: '/none', upstream: 'api', maxBodySize: 0 },
  ],
};
const gateway = await startGateway({ config });
const [worker] = gateway.workers();

/** `size` bytes of body, as a request with a Content-Length or in one chunk. */
function post(path: string, size: number, framing: 'length' | 'chunks'): string {
  const body = 'x'.repeat(size);
  const start = `POST ${path} HTTP/1.1\r\nHost: a\r\n`;
  if (framing === 'length') return `${start}Content-Length: ${size}\r\n\r\n${body}`;
  return `${start}Transfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

for (const framing of ['length', 'chunks'] as const) {
  test(`a body of exactly maxBodySize passes (${framing})`, async () => {
    const answer = await ask(gateway.port, post(`/exact/${framing}`, 1000, framing), 'POST');
    assert.equal(answer.status, 200);
    const request = await upstream.arrival(`/exact/${framing}`);
    assert.equal((await request.received).bytes.length, 1000);
  });

  test(`a body of one byte more is refused, and no upstream hears of it (${framing})`, async () => {
    const before = upstream.requests.length;
    const answer = await ask(gateway.port, post(`/more/${framing}`, 1001, framing), 'POST');
    assertRefused(answer, 413, 'body_too_large');
    assert.equal(upstream.requests.length, before);
  });

  test(`a route's own maxBodySize stands instead (${framing})`, async () => {
    const path = `/large/${framing}`;
    assert.equal((await ask(gateway.port, post(path, 102_400, framing), 'POST')).status, 200);
    assert.equal((await (await upstream.arrival(path)).received).bytes.length, 102_400);
    assertRefused(await ask(gateway.port, post('/none', 1, framing), 'POST'), 413, 'body_too_large');
  });
}

test('a body that is declared too large is refused before it comes', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /declared HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n');
  const answer = await client.response();
  assert.ok(answer !== null);
  assertRefused(answer, 413, 'body_too_large');
  assert.match(answer.header('connection') ?? '', /close/i);
  client.destroy();
  assert.deepEqual(upstream.requestsTo('/declared'), []);
});

test('a client that waits for 100 Continue is told so instead', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /declared HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n');
  assert.equal((await client.response())?.status, 413);
  client.destroy();
});

test('a body that grows too large on its way is refused, and its upstream request aborted', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /growing HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n');
  const request = await upstream.arrival('/growing');
  await request.receives('part');
  client.write(`3e5\r\n${'x'.repeat(0x3e5)}\r\n`);
  const answer = await client.response();
  assert.ok(answer !== null);
  assertRefused(answer, 413, 'body_too_large');
  assert.equal((await within(request.received, 'the upstream request to end')).complete, false);
  client.destroy();
});

test('a refused client that sends on still gets to read why', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /sent-on HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n', Buffer.alloc(5_000_000, 'x'));
  assert.equal((await client.response())?.status, 413);
  client.destroy();
});

test('a target of exactly maxUrlLength passes, and a longer one gets 414', async () => {
  const longest = `/${'u'.repeat(499)}`;
  assert.equal((await get(longest)).status, 200);
  assert.equal((await get(`/?${'u'.repeat(498)}`)).status, 200);
  const before = upstream.requests.length;
  for (const target of [`${longest}u`, `/?${'u'.repeat(499)}`, `/${'u'.repeat(20_000)}`]) {
    assertRefused(await get(target), 414, 'uri_too_long');
  }
  assert.equal(upstream.requests.length, before);
});

test('maxHeaders fields pass, and one more gets 431', async () => {
  const fields = (count: number): string => Array.from({ length: count }, (_, i) => `X-${i}: v\r\n`).join('');
  assert.equal((await get('/', fields(19))).status, 200);
  const before = upstream.requests.length;
  for (const count of [20, 50, 1500]) assertRefused(await get('/', fields(count)), 431, 'headers_too_large');
  assert.equal(upstream.requests.length, before);
});

test('fields of exactly maxHeaderSize pass, and larger ones get 431', async () => {
  // "Host: a" and "X-Fill: …", each with its CRLF.
  const fill = (bytes: number): string => `X-Fill: ${'f'.repeat(bytes - 9 - 10)}\r\n`;
  assert.equal((await get('/', fill(4096))).status, 200);
  const before = upstream.requests.length;
  for (const bytes of [4097, 5000, 30_000, 100_000, 1_000_000]) {
    assertRefused(await get('/', fill(bytes)), 431, 'headers_too_large');
  }
  assert.equal(upstream.requests.length, before);
});

test('what a parser would never end reading is refused too', async () => {
  for (const endless of [`GET /${'u'.repeat(300_000)}`, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'f'.repeat(300_000)}`]) {
    const client = await rawClient(gateway.port);
    client.write(endless);
    const answer = await client.response();
    assert.ok(answer?.status === 414 || answer?.status === 431, String(answer?.status));
    client.destroy();
  }
});

test('clients that leave right behind their requests leave nothing behind', async () => {
  for (let i = 0; i < 50; i++) {
    const client = await rawClient(gateway.port);
    client.write(
      i % 2 === 0 ? post('/left', 10, 'length') : 'POST /left HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx',
    );
    client.reset();
  }
  const served = (): Promise<number> =>
    metric(gateway.adminUrl, 'http_requests_total', { method: 'GET', status: '200' });
  const before = await served();
  assert.equal((await get('/right-behind')).status, 200);
  await eventually(async () => ((await served()) > before ? true : null), 'the next report of the worker');
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'http_requests_in_flight')) === 0 ? true : null),
    'no request to be in flight',
  );
});

test('connections beyond limits.maxConnections are closed, until others end', async () => {
  const limited = await startGateway({
    config: { ...config, proxy: { limits: { maxConnections: 3 } } },
  });
  const clients: RawClient[] = [];
  for (let i = 0; i < 3; i++) {
    const client = await rawClient(limited.port);
    client.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await client.response())?.status, 200);
    clients.push(client);
  }
  const surplus = await rawClient(limited.port);
  await surplus.closed();
  assert.equal(surplus.received.length, 0);

  clients.pop()?.destroy();
  await eventually(async () => {
    const next = await rawClient(limited.port);
    next.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
    const answer = await next.response();
    next.destroy();
    return answer;
  }, 'a connection to be accepted again');
  for (const client of clients) {
    client.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await client.response())?.status, 200);
    client.destroy();
  }
});

test('the worker has lived through all of it', async () => {
  assert.equal((await get('/alive')).status, 200);
  assert.deepEqual(gateway.workers(), [worker]);
  assert.deepEqual(upstream.violations, []);
});

function get(target: string, fields = ''): Promise<RawResponse> {
  return ask(gateway.port, `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
}

function assertRefused(answer: RawResponse, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text());
  assert.match(answer.header('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(answer.json()['code'], code);
}
