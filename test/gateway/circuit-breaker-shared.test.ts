/** Gateways that share a Redis: what has opened at one is open at the others, unless they know better. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { ask, type RawResponse } from '../support/raw-client.ts';
import { recordingUpstream, response } from '../support/recording-upstream.ts';
import { startRedis } from '../support/redis.ts';

const upstream = await recordingUpstream();
const redis = await startRedis();
const breaker = { minimumRequests: 4, window: 30_000, openDuration: 60_000 };
const config = {
  rateLimit: { backend: 'redis', redis: { url: redis.url } },
  upstreams: [
    { name: 'api', url: upstream.url, circuitBreaker: breaker },
    { name: 'other', url: `${upstream.url}/other`, circuitBreaker: breaker },
  ],
  routes: [
    { path: '/api/*', upstream: 'api' },
    { path: '/other/*', upstream: 'other' },
  ],
};
upstream.on('/api/bad', (request) => request.send(response(500)));
upstream.on('/other/other/bad', (request) => request.send(response(500)));
const [a, b] = await Promise.all([startGateway({ config }), startGateway({ config })]);

test('a node that has had no request stops asking an upstream that another node has found failing', async () => {
  for (let i = 0; i < 4; i++) assert.equal((await get(a, '/api/bad')).status, 500);
  const opened = await opening(a);
  assert.equal(opened['msg'], 'circuit breaker: too many tries have failed, the upstream is not asked for a while');
  const adopted = await opening(b);
  assert.equal(
    adopted['msg'],
    'circuit breaker: another node has found it failing, the upstream is not asked for a while',
  );
  // One second is promised; the rest is for a machine that has other things to do.
  assert.ok(Number(adopted['time']) - Number(opened['time']) < 1_000 + 1_000);
  const refused = await eventually(async () => {
    const answer = await get(b, '/api/good');
    return answer.status === 503 ? answer : null;
  }, 'the worker to know');
  assert.equal(refused.json()['code'], 'circuit_open');
});

test('a node whose own tries go well goes on', async () => {
  for (let i = 0; i < 6; i++) assert.equal((await get(b, '/other/good')).status, 200);
  for (let i = 0; i < 4; i++) assert.equal((await get(a, '/other/bad')).status, 500);
  await opening(a, 'other');
  // It would have been taken up by now.
  await delay(1_500);
  assert.equal((await get(b, '/other/good')).status, 200);
  assert.equal((await get(a, '/other/good')).status, 503);
});

function opening(gateway: Gateway, upstreamName = 'api') {
  return gateway.log(
    ({ circuit, upstream: name }) => circuit === 'open' && name === upstreamName,
    'the circuit to open',
  );
}

function get({ port }: Gateway, path: string): Promise<RawResponse> {
  return ask(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
}
