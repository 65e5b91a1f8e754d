/**
 * Bodies as a hiding place for requests: whoever answers before the body has been read, the gateway or the upstream,
 * what is left of it is never taken for a request, by neither of them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({
  config: {
    security: { auth: { type: 'apiKey', secret: 's', keys: [] }, blockedIPs: ['127.0.0.2'] },
    upstreams: [
      { name: 'api', url: upstream.url },
      { name: 'down', url: 'http://127.0.0.1:1' },
    ],
    routes: [
      { path: '/api/*', upstream: 'api' },
      { path: '/down', upstream: 'down' },
      { path: '/get', methods: ['GET'], upstream: 'api' },
      { path: '/locked', auth: 'required', upstream: 'api' },
      { path: '/small', maxBodySize: 4, upstream: 'api' },
      { path: '/fixed', respond: { status: 200, body: 'fixed' } },
      { path: '/shared', upstream: 'api', cors: { origins: ['*'] } },
    ],
  },
});

const smuggled = 'GET /api/smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const ofLength = `Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`;
const inChunks = `Transfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;

const unread: readonly (readonly [what: string, head: string, status: number])[] = [
  ['no route', 'POST /nowhere', 404],
  ['another method', 'POST /get', 405],
  ['a missing key', 'POST /locked', 401],
  ['a body that is too large', 'POST /small', 413],
  ['an answer of the config', 'POST /fixed', 200],
  ['a preflight', 'OPTIONS /shared', 204],
  ["the gateway's own endpoints", 'POST /health/live', 405],
  ['an upstream that is down', 'POST /down', 502],
];

for (const [what, line, status] of unread) {
  for (const [framing, rest] of [
    ['length', ofLength],
    ['chunks', inChunks],
  ] as const) {
    test(`${what}: the body (${framing}) behind the ${status} stays a body`, async () => {
      const client = await rawClient(gateway.port);
      const preflight = line.startsWith('OPTIONS') ? 'Origin: http://b\r\nAccess-Control-Request-Method: GET\r\n' : '';
      client.write(`${line} HTTP/1.1\r\nHost: a\r\n${preflight}${rest}`);
      // Told apart from what the body would be answered with.
      client.write('GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      const statuses = (await client.responsesUntilClosed(3)).map((answer) => answer.status);
      assert.ok([String(status), `${status},404`].includes(statuses.join()), statuses.join());
      assert.equal(upstream.saw('smuggled'), false);
      client.destroy();
    });
  }
}

for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'PUT', 'PROPFIND']) {
  test(`the body of a ${method} reaches the upstream as a body, or not at all`, async () => {
    const path = `/api/body-of-${method}`;
    const client = await rawClient(gateway.port);
    client.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${ofLength}`);
    const answer = await client.finalResponse(method);
    assert.equal(await client.finalResponse(method), null);
    const requests = upstream.requestsTo(path);
    if (answer?.status === 400) return assert.deepEqual(requests, []);
    assert.equal(requests.length, 1);
    assert.equal((await requests[0]?.received)?.bytes.toString(), smuggled);
  });
}

test('an upstream that answers before the body has come is not sent the next request behind it', async () => {
  upstream.on('/api/hasty', (request) => request.send(response(200, [], 'early')));
  const client = await rawClient(gateway.port);
  client.write('POST /api/hasty HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nbegun');
  const first = await client.response('POST');
  assert.deepEqual([first?.status, first?.text()], [200, 'early']);
  const next = await ask(gateway.port, 'GET /api/next HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal(next.text(), 'ok');
  client.write(smuggled);
  await client.closed();
  const [hasty] = upstream.requestsTo('/api/hasty');
  const [after] = upstream.requestsTo('/api/next');
  assert.notEqual(after?.connection, hasty?.connection);
});

test('a body that ends early leaves no gap that the next request fills', async () => {
  const client = await rawClient(gateway.port);
  client.write(`POST /api/short HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n${smuggled}`);
  await upstream.arrival('/api/short');
  client.reset();
  const [request] = upstream.requestsTo('/api/short');
  assert.equal((await request?.received)?.complete, false);
  assert.equal((await ask(gateway.port, 'GET /api/after HTTP/1.1\r\nHost: a\r\n\r\n')).text(), 'ok');
});

test('the upstream took none of these bodies for a request', () => {
  assert.deepEqual(upstream.requestsTo('/api/smuggled'), []);
  assert.deepEqual(upstream.violations, []);
});
