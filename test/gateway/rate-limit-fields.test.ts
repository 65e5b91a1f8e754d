/** RateLimit, RateLimit-Policy and Retry-After: what clients are told of their limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { ask, type RawResponse, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';
import { parseList } from '../support/structured-fields.ts';

const upstream = await recordingUpstream();
const hour = 3_600_000;

const gateway = await startGateway({
  config: {
    proxy: { trustedProxies: ['127.0.0.1'] },
    rateLimit: {
      global: { max: 50, windowMs: '1h' },
      perRoute: [
        { path: '/café/*', max: 3, windowMs: 1_500 },
        { path: '/slow/*', max: 1, windowMs: hour, message: 'One an hour is all there is.' },
        { path: '/slow/*', max: 1, windowMs: 2 * hour },
      ],
    },
    upstreams: [{ name: 'api', url: upstream.url }],
    routes: [
      { path: '/*', upstream: 'api', maxBodySize: 10 },
      { path: '/fixed', respond: { status: 204 } },
      { path: '/once', respond: { status: 204 }, rateLimit: { max: 1, windowMs: hour } },
      { path: '/page', respond: { status: 204 }, cors: { origins: ['https://page.example.com'] } },
    ],
  },
});

test('an answer of the upstream says what is left of each limit', async () => {
  const answer = await get('/a', '10.0.0.1');
  assert.equal(answer.status, 200);
  assert.deepEqual(policies(answer), [{ value: 'global', parameters: { q: 50, w: 3600 } }]);
  // One of fifty an hour comes back in 72 seconds.
  assert.deepEqual(states(answer), [{ value: 'global', parameters: { r: 49, t: 72 } }]);
});

test('so does a fixed answer, and a refusal for another reason', async () => {
  const fixed = await get('/fixed', '10.0.0.2');
  assert.equal(fixed.status, 204);
  assert.deepEqual(states(fixed), [{ value: 'global', parameters: { r: 49, t: 72 } }]);
  const tooLarge = await get('/a', '10.0.0.2', 'Content-Length: 11\r\n', 'POST');
  assert.equal(tooLarge.status, 413);
  assert.equal(states(tooLarge)[0]?.value, 'global');
});

test('so do answers without a body: 304, to HEAD, and the 101 of a WebSocket', async () => {
  upstream.on('/same', (asked) => asked.send('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'));
  upstream.on('/ws', (asked) =>
    asked.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
  );
  const from = '10.0.0.12';
  const answers = [
    await get('/same', from, 'If-None-Match: "a"\r\n'),
    await get('/a', from, '', 'HEAD'),
    await switchProtocols('/ws', from),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [304, 200, 101],
  );
  for (const [i, answer] of answers.entries()) {
    assert.deepEqual(policies(answer), [{ value: 'global', parameters: { q: 50, w: 3600 } }]);
    assert.equal(states(answer)[0]?.parameters['r'], 49 - i);
  }
  assert.equal((await get('/once', from, '', 'HEAD')).status, 204);
  const refused = await get('/once', from, '', 'HEAD');
  assert.equal(refused.status, 429);
  assertAbout(refused.header('retry-after'), 3600);
  assert.equal(states(refused)[1]?.parameters['r'], 0);
});

test('a refusal says when to come back, and which limit it was', async () => {
  await get('/once', '10.0.0.3');
  const refused = await get('/once', '10.0.0.3');
  assert.equal(refused.status, 429);
  assert.equal(refused.header('content-type'), 'application/problem+json');
  assertAbout(refused.header('retry-after'), 3600);
  assert.deepEqual(policies(refused), [
    { value: 'global', parameters: { q: 50, w: 3600 } },
    { value: 'route', parameters: { q: 1, w: 3600 } },
  ]);
  // The refusal has taken nothing from the other limit: the one request before it is all that is missing.
  const [global, route] = states(refused);
  assert.equal(global?.parameters['r'], 49);
  assert.equal(route?.parameters['r'], 0);
  assertAbout(route?.parameters['t'], 3600);
  const { code, detail, status } = refused.json();
  assert.deepEqual(
    { code, detail, status },
    { code: 'rate_limited', detail: 'the limit "route" (1 in 1h) is used up', status: 429 },
  );
});

test('when the last token is gone, t is how long the next one takes, as Retry-After says then', async () => {
  const last = await get('/once', '10.0.0.4');
  assert.deepEqual(states(last)[1], { value: 'route', parameters: { r: 0, t: 3600 } });
});

test('entries of perRoute are named by their path, one that is there twice is numbered, windows are whole seconds', async () => {
  const cafe = await get('/caf%C3%A9/x', '10.0.0.5');
  assert.deepEqual(policies(cafe)[1], { value: '/caf%C3%A9/*', parameters: { q: 3, w: 2 } });
  const slow = await get('/slow/x', '10.0.0.5');
  assert.deepEqual(
    policies(slow).map(({ value }) => value),
    ['global', '/slow/*', '/slow/* (2)'],
  );
});

test('of several limits that refuse, the one that takes longest speaks; a message stands in the detail', async () => {
  await get('/slow/x', '10.0.0.6');
  const refused = await get('/slow/x', '10.0.0.6');
  assert.equal(refused.status, 429);
  assertAbout(refused.header('retry-after'), 7200);
  assert.equal(refused.json()['detail'], 'the limit "/slow/* (2)" (1 in 2h) is used up');
});

test('the message of the rule is the detail of the refusal', async () => {
  const other = await startGateway({
    config: {
      rateLimit: { perRoute: [{ path: '/*', max: 1, windowMs: hour, message: 'Only once an hour – sorry.' }] },
      routes: [{ path: '/*', respond: { status: 204 } }],
    },
  });
  await ask(other.port, request('/x', '10.0.0.1'));
  const refused = await ask(other.port, request('/x', '10.0.0.1'));
  assert.equal(refused.json()['detail'], 'Only once an hour – sorry.');
});

test('what an upstream says of its own limits passes, and ours stand beside it', async () => {
  upstream.on('/own', (asked) =>
    asked.send('HTTP/1.1 200 OK\r\nRateLimit: "upstream";r=7;t=1\r\nContent-Length: 0\r\n\r\n'),
  );
  const answer = await get('/own', '10.0.0.7');
  assert.deepEqual(
    states(answer).map(({ value }) => value),
    ['upstream', 'global'],
  );
});

test('a page on another host may read the fields', async () => {
  const answer = await get('/page', '10.0.0.8', 'Origin: https://page.example.com\r\n');
  assert.equal(answer.header('access-control-expose-headers'), 'RateLimit, RateLimit-Policy, Retry-After');
});

test('health, metrics, preflights and requests without a route are not limited', async () => {
  for (const path of ['/health/live', '/metrics']) {
    const answer = await get(path, '10.0.0.9');
    assert.equal(answer.status, 200);
    assert.equal(answer.header('ratelimit'), null);
  }
  const preflight = await get(
    '/page',
    '10.0.0.9',
    'Origin: https://page.example.com\r\nAccess-Control-Request-Method: GET\r\n',
    'OPTIONS',
  );
  assert.equal(preflight.status, 204);
  assert.equal(preflight.header('ratelimit'), null);
});

test('the decisions are counted by route', async () => {
  const other = await startGateway({
    config: { routes: [{ name: 'few', path: '/*', respond: { status: 204 }, rateLimit: { max: 2, windowMs: hour } }] },
  });
  for (let i = 0; i < 5; i++) await ask(other.port, request('/x', '10.0.0.1'));
  assert.equal(await decisions(other, 'few', 'admitted'), 2);
  assert.equal(await decisions(other, 'few', 'refused'), 3);
  assert.equal(await metric(other.url, 'rejected_requests_total', { code: 'rate_limited' }), 3);
});

/** A few seconds may have gone by. */
function assertAbout(seconds: string | number | null | undefined, expected: number): void {
  assert.ok(Number(seconds) <= expected && Number(seconds) > expected - 60, `${seconds} instead of ${expected}`);
}

function decisions({ url }: Gateway, route: string, decision: string): Promise<number> {
  return metric(url, 'rate_limit_decisions_total', { route, decision });
}

function policies(answer: RawResponse) {
  return parseList(answer.header('ratelimit-policy') ?? '');
}

function states(answer: RawResponse) {
  return parseList(answer.header('ratelimit') ?? '');
}

function get(path: string, from: string, fields = '', method = 'GET'): Promise<RawResponse> {
  return ask(gateway.port, request(path, from, fields, method), method);
}

async function switchProtocols(path: string, from: string): Promise<RawResponse> {
  const client = await rawClient(gateway.port);
  client.write(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${from}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const answer = await client.response();
  client.destroy();
  assert.ok(answer !== null);
  return answer;
}

function request(path: string, from: string, fields = '', method = 'GET'): string {
  return `${method} ${path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${from}\r\n${fields}Connection: close\r\n\r\n`;
}
