/**
 * Requests that cost the sender little and might cost the gateway much: all are answered or cut, and ordinary clients
 * are served meanwhile. Slow clients stand in test/gateway/timeouts-client.test.ts and unread-answers.test.ts, sizes in
 * limits.test.ts, floods of pipelined requests in pipelining.test.ts, memory in large-bodies.test.ts.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { residentBytes } from '../support/processes.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
/** Tells how long a body was; the recording one reads too closely for a flood. */
const counting = createServer((request, response) => {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on('end', () => response.end(String(bytes)));
}).listen(0, '127.0.0.1');
await once(counting, 'listening');
after(() => counting.close());
const countingUrl = `http://127.0.0.1:${(counting.address() as AddressInfo).port}`;

const config = {
  // A busy machine alone must not turn these clients away: what is asked here is whether they can be served.
  overload: { mode: 'shadow' },
  proxy: { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] },
  upstreams: [
    { name: 'api', url: upstream.url },
    { name: 'counting', url: countingUrl },
  ],
  routes: [
    { path: '/*', upstream: 'api', cors: { origins: ['https://*.example.com'] } },
    { path: '/a/:b/c/:d/*', host: '*.example.com', upstream: 'api', headers: { 'x-beta': '1' } },
    { path: '/a/*', methods: ['POST'], upstream: 'api' },
    { path: '/crumbs', upstream: 'counting' },
  ],
};
const gateway = await startGateway({ config });
const [worker = 0] = gateway.workers();

const get = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const repeat = (text: string, bytes: number): string => text.repeat(Math.floor(bytes / text.length));

/** The worst that fits into the limits, for everything here that reads text of a client. */
const costly: Readonly<Record<string, string>> = {
  'a path of slashes': get(repeat('/', 8_000)),
  'a path of empty and dot segments': get(repeat('/.//', 8_000)),
  'a path of segments and ways back': get(repeat('/a/..', 8_000)),
  'a path of escaped slashes': get(`/${repeat('%2f', 8_000)}`),
  'a path of escaped slashes and backslashes': get(`/${repeat('%2F%5c//', 8_000)}`),
  'a path of escaped dots': get(`/${repeat('%2e', 8_000)}`),
  'a path of escaped escapes': get(`/${repeat('%25', 8_000)}`),
  'a path that nearly matches, many times': get(repeat('/a/b/c/d', 8_000)),
  'a query of separators': get(`/?${repeat('&=;', 8_000)}`),
  'a Host of dots': `GET / HTTP/1.1\r\nHost: ${repeat('a.', 15_000)}\r\n\r\n`,
  'a Host of digits': `GET / HTTP/1.1\r\nHost: a:${repeat('0', 15_000)}\r\n\r\n`,
  'a Connection that names thousands of fields': get('/', `Connection: ${repeat('x,', 15_000)}\r\n`),
  'a Connection of commas': get('/', `Connection: ${repeat(',', 15_000)}\r\n`),
  'an X-Forwarded-For of trusted hops': get('/', `X-Forwarded-For: ${repeat('10.1.1.1,', 15_000)}\r\n`),
  'an X-Forwarded-For of commas': get('/', `X-Forwarded-For: ${repeat(',', 15_000)}\r\n`),
  'an X-Forwarded-For of spaces': get('/', `X-Forwarded-For: a${repeat(' ', 15_000)}a\r\n`),
  'a Forwarded of elements': get('/', `Forwarded: ${repeat('for=10.1.1.1,', 15_000)}\r\n`),
  'a Forwarded of parameters': get('/', `Forwarded: ${repeat('for=10.1.1.1;', 15_000)}\r\n`),
  'a Forwarded of one quote and spaces': get('/', `Forwarded: for="${repeat(' ', 15_000)}\r\n`),
  'an Origin that nearly fits': get('/', `Origin: https://${repeat('a.', 15_000)}example.co\r\n`),
  'a preflight of thousands of headers': `OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example.com\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: ${repeat('x,', 15_000)}\r\n\r\n`,
  'a traceparent without end': get('/', `traceparent: 00-${repeat('a', 15_000)}\r\n`),
  'a tracestate of members': get(
    '/',
    `traceparent: 00-${'a'.repeat(32)}-${'b'.repeat(16)}-01\r\ntracestate: ${repeat('a=b,', 15_000)}\r\n`,
  ),
  'a hundred cookies': get('/', `Cookie: a=${'b'.repeat(100)}\r\n`.repeat(90)),
  'an Upgrade of tokens': get('/', `Connection: Upgrade\r\nUpgrade: ${repeat('h2c, ', 15_000)}\r\n`),
  'a Via of hops': get('/', `Via: ${repeat('1.1 a, ', 15_000)}\r\n`),
};

for (const [what, bytes] of Object.entries(costly)) {
  test(`${what}: thirty of them at once are soon answered`, async () => {
    // Anything that grows with the square of its length, or worse, would take far longer than the deadline.
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(gateway.port, bytes)));
    assert.equal(new Set(answers.map(({ status }) => status)).size, 1);
    assert.ok((answers[0]?.status ?? 500) < 500 || answers[0]?.status === 502, String(answers[0]?.status));
  });
}

test('hundreds of clients that say nothing, or half of something, keep nobody else waiting', async () => {
  const beginnings = [
    '',
    'GET',
    'GET / HTTP/1.1\r\nHost: a\r\nX-',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf',
  ];
  const idle = await Promise.all(
    Array.from({ length: 300 }, async (_, i) => {
      const client = await rawClient(gateway.port);
      client.write(beginnings[i % beginnings.length] ?? '');
      return client;
    }),
  );
  for (let i = 0; i < 20; i++) assert.equal((await ask(gateway.port, get('/ordinary'))).status, 200);
  for (const client of idle) client.destroy();
});

test('a body of a hundred thousand chunks of one byte arrives, in little memory', async () => {
  const before = residentBytes(worker).now;
  const client = await rawClient(gateway.port);
  client.write('POST /crumbs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (let i = 0; i < 100; i++) client.write('1\r\nx\r\n'.repeat(1_000));
  client.write('0\r\n\r\n');
  assert.equal((await client.response('POST', 60_000))?.text(), '100000');
  assert.ok(residentBytes(worker).now - before < 100 * 1024 * 1024);
  client.destroy();
});

test('trailers without end are cut off', async () => {
  const client = await rawClient(gateway.port);
  client.write('POST /trailing HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n');
  const line = 'X-Trailer: trailer-trailer-trailer\r\n'.repeat(100);
  client.socket.on('drain', () => client.write(line));
  client.write(line.repeat(100));
  await client.closed();
  for (const request of upstream.requestsTo('/trailing')) assert.equal((await request.received).complete, false);
});

test('paths, hosts, methods and keys of strangers make no new series of metrics', async () => {
  const stranger = (i: number): string =>
    `M${i} /path-${i} HTTP/1.1\r\nHost: host-${i}.example.com\r\nX-API-Key: ${i}\r\nX-Request-Id: id-${i}\r\n\r\n`;
  // One of its own, on which nothing else is still being counted.
  const other = await startGateway({ config });
  await ask(other.port, stranger(0));
  const before = await seriesSoon(other, 1);
  for (let i = 1; i <= 50; i++) await ask(other.port, stranger(i));
  assert.equal(await seriesSoon(other, 51), before);
});

test('the worker has lived through all of it', async () => {
  assert.equal((await ask(gateway.port, get('/alive'))).status, 200);
  assert.deepEqual(gateway.workers(), [worker]);
  assert.deepEqual(upstream.violations, []);
});

/** Number of series once so many requests of other methods have been counted. */
async function seriesSoon({ adminUrl }: Gateway, others: number): Promise<number> {
  return await eventually(async () => {
    const text = await (await fetch(`${adminUrl}/metrics`)).text();
    const counted = text.matchAll(/^http_requests_total\{method="(?:OTHER|-)".*\} (\d+)$/gm);
    let sum = 0;
    for (const [, count] of counted) sum += Number(count);
    return sum < others ? null : text.split('\n').filter((line) => /^[a-z]/.test(line)).length;
  }, `${others} requests to be counted`);
}
