/** Routes with a cors policy: browsers' questions are answered here, and every answer says who may read it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import type { Field } from '../support/http-bytes.ts';
import { freePorts } from '../support/ports.ts';
import { ask, type RawResponse } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';

const page = 'https://app.example.com';
const cors = {
  origins: [page, 'https://*.trusted.example'],
  methods: ['POST', 'DELETE'],
  headers: ['Content-Type', 'X-Token'],
  credentials: true,
  maxAge: '2m',
};

const upstream = await recordingUpstream();
const [closedPort = 0] = await freePorts(1);
const gateway = await startGateway({
  config: {
    upstreams: [
      { name: 'api', url: upstream.url },
      { name: 'down', url: `http://127.0.0.1:${closedPort}` },
    ],
    routes: [
      { path: '/api/*', upstream: 'api', cors },
      { path: '/orders', upstream: 'api', methods: ['POST'], cors },
      { path: '/orders', upstream: 'api', methods: ['GET'] },
      { path: '/public', upstream: 'api', cors: { origins: ['*'] } },
      { path: '/down', upstream: 'down', cors },
      { path: '/small', upstream: 'api', maxBodySize: 4, cors },
      { path: '/answered', respond: { body: 'hi' }, cors },
      { path: '/edited', upstream: 'api', cors, response: { headers: { set: { 'X-Frame-Options': 'DENY' } } } },
      { path: '/without', upstream: 'api' },
    ],
  },
});

test('a preflight is answered with what the policy allows, and no upstream hears of it', async () => {
  const before = upstream.requests.length;
  const answer = await preflight('/api/x', 'POST', page, 'Access-Control-Request-Headers: x-token\r\n');
  assert.equal(answer.status, 204);
  assert.equal(answer.header('access-control-allow-origin'), page);
  assert.equal(answer.header('access-control-allow-methods'), 'POST, DELETE');
  assert.equal(answer.header('access-control-allow-headers'), 'Content-Type, X-Token');
  assert.equal(answer.header('access-control-allow-credentials'), 'true');
  assert.equal(answer.header('access-control-max-age'), '120');
  assert.match(answer.header('vary') ?? '', /\bOrigin\b/);
  assert.notEqual(answer.header('x-request-id'), null);
  assert.equal(upstream.requests.length, before);
});

test('a preflight is answered by the route of the request to come, whatever methods it takes', async () => {
  const before = upstream.requests.length;
  const answer = await preflight('/orders', 'POST');
  assert.equal(answer.status, 204);
  assert.equal(answer.header('access-control-allow-origin'), page);
  // The route of GET has no policy: OPTIONS is a method like any other there, and none that it takes.
  const other = await preflight('/orders', 'GET');
  assert.equal(other.status, 405);
  assert.equal(other.header('access-control-allow-origin'), null);
  assert.equal(upstream.requests.length, before);
});

test('an origin by its pattern is allowed, and told its own name', async () => {
  const origin = 'https://a.b.trusted.example';
  assert.equal((await preflight('/api/x', 'POST', origin)).header('access-control-allow-origin'), origin);
});

for (const origin of [
  'https://evil.example',
  'https://app.example.com.evil.example',
  'http://app.example.com',
  'https://app.example.com:444',
  'https://trusted.example',
  'null',
]) {
  test(`the origin ${origin} is told of no permission`, async () => {
    const asked = await preflight('/api/x', 'POST', origin);
    assert.equal(asked.status, 204);
    assertNoPermission(asked);
    const got = await get('/api/x', origin);
    assert.equal(got.status, 200);
    assertNoPermission(got);
    assert.match(got.header('vary') ?? '', /\bOrigin\b/);
  });
}

test("the upstream's own word on origins is replaced, its Vary kept", async () => {
  const own: Field[] = [
    ['Vary', 'Accept-Encoding'],
    ['Access-Control-Allow-Origin', '*'],
    ['access-control-allow-credentials', 'true'],
    ['Access-Control-Expose-Headers', 'X-Own'],
    ['X-Own', '1'],
  ];
  upstream.on('/api/own', (request) => request.send(response(200, own, 'body')));
  const answer = await get('/api/own', page);
  assert.equal(answer.text(), 'body');
  assert.deepEqual(answer.values('access-control-allow-origin'), [page]);
  assert.deepEqual(answer.values('access-control-allow-credentials'), ['true']);
  assert.equal(answer.header('access-control-expose-headers'), null);
  assert.equal(answer.header('x-own'), '1');
  assert.deepEqual(answer.values('vary'), ['Accept-Encoding', 'Origin']);
  assertNoPermission(await get('/api/own', 'https://evil.example'));
  assertNoPermission(await get('/api/own', null));
});

test('a request without Origin is answered alike, and caches are told of Origin', async () => {
  const answer = await get('/api/x', null);
  assert.equal(answer.status, 200);
  assertNoPermission(answer);
  assert.match(answer.header('vary') ?? '', /\bOrigin\b/);
});

test('a public policy allows everybody, and nobody as its visitor', async () => {
  const asked = await preflight(
    '/public',
    'PUT',
    'https://any.example',
    'Access-Control-Request-Headers: X-A, x-b\r\n',
  );
  assert.equal(asked.header('access-control-allow-origin'), '*');
  assert.match(asked.header('access-control-allow-methods') ?? '', /\bPUT\b/);
  assert.equal(asked.header('access-control-allow-headers'), 'X-A, x-b');
  assert.equal(asked.header('access-control-max-age'), '600');
  const got = await get('/public', 'https://any.example');
  assert.equal(got.header('access-control-allow-origin'), '*');
  assert.equal(got.header('access-control-allow-credentials'), null);
});

test("the gateway's own refusals can be read by the pages that may read the rest", async () => {
  const down = await get('/down', page);
  assert.equal(down.status, 502);
  assert.equal(down.header('access-control-allow-origin'), page);
  assert.match(down.header('vary') ?? '', /\bOrigin\b/);
  const large = await ask(
    gateway.port,
    `POST /small HTTP/1.1\r\nHost: a\r\nOrigin: ${page}\r\nContent-Length: 5\r\n\r\nhello`,
    'POST',
  );
  assert.equal(large.status, 413);
  assert.equal(large.header('access-control-allow-origin'), page);
  assertNoPermission(await get('/down', 'https://evil.example'));
});

test('an answer of the config has the fields too', async () => {
  const answer = await get('/answered', page);
  assert.equal(answer.text(), 'hi');
  assert.equal(answer.header('access-control-allow-origin'), page);
  assert.equal((await preflight('/answered', 'POST')).header('access-control-allow-origin'), page);
});

test("header edits are for the route's answers", async () => {
  const answer = await get('/edited', page);
  assert.equal(answer.header('x-frame-options'), 'DENY');
  assert.equal(answer.header('access-control-allow-origin'), page);
});

test('OPTIONS that is no preflight goes upstream', async () => {
  for (const fields of ['', `Origin: ${page}\r\n`, 'Access-Control-Request-Method: POST\r\n']) {
    await ask(gateway.port, `OPTIONS /api/options HTTP/1.1\r\nHost: a\r\n${fields}\r\n`, 'OPTIONS');
    assert.equal((await upstream.arrival('/api/options')).method, 'OPTIONS');
  }
});

test('without a policy a preflight and the words of the upstream pass as they are', async () => {
  const own: Field[] = [['Access-Control-Allow-Origin', 'https://other.example']];
  upstream.on('/without', (request) => request.send(response(200, own)));
  const answer = await preflight('/without', 'POST');
  assert.equal(answer.header('access-control-allow-origin'), 'https://other.example');
  assert.equal((await upstream.arrival('/without')).method, 'OPTIONS');
});

test('a preflight to a path without a route is refused', async () => {
  const answer = await preflight('/nowhere', 'POST');
  assert.equal(answer.status, 404);
  assertNoPermission(answer);
});

function preflight(path: string, method: string, origin = page, fields = ''): Promise<RawResponse> {
  return ask(
    gateway.port,
    `OPTIONS ${path} HTTP/1.1\r\nHost: a\r\nOrigin: ${origin}\r\nAccess-Control-Request-Method: ${method}\r\n${fields}\r\n`,
    'OPTIONS',
  );
}

function get(path: string, origin: string | null): Promise<RawResponse> {
  const field = origin === null ? '' : `Origin: ${origin}\r\n`;
  return ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n${field}\r\n`);
}

function assertNoPermission(answer: RawResponse): void {
  const granted = answer.fields.filter(([name]) => name.toLowerCase().startsWith('access-control-'));
  assert.deepEqual(granted, []);
}
