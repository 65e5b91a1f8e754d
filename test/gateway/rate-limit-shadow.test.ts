/** `mode: shadow` of a limit: it decides, is counted and logged, and nobody is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { metric } from '../support/metric.ts';
import { ask, type RawResponse } from '../support/raw-client.ts';
import { parseList } from '../support/structured-fields.ts';

const hour = 3_600_000;

const gateway = await startGateway({
  config: {
    rateLimit: { mode: 'shadow', perRoute: [{ path: '/both', max: 3, windowMs: hour, mode: 'enforce' }] },
    routes: [
      { path: '/tried', respond: { status: 204 }, rateLimit: { max: 1, windowMs: hour, mode: 'shadow' } },
      { path: '/both', respond: { status: 204 }, rateLimit: { max: 1, windowMs: hour, mode: 'shadow' } },
    ],
  },
});

test('whom it would refuse passes, and is told apart in log and metrics', async () => {
  const first = await get('/tried');
  const second = await get('/tried');
  assert.deepEqual([first.status, second.status], [204, 204]);
  assert.equal((await logOf(first))['shadow'], undefined);
  assert.deepEqual((await logOf(second))['shadow'], ['rate_limited']);
  assert.equal(await metric(gateway.url, 'shadow_decisions_total', { policy: 'rateLimit', route: '/tried' }), 1);
  assert.equal(await metric(gateway.url, 'rate_limit_decisions_total', { route: '/tried', decision: 'admitted' }), 1);
  assert.equal(await metric(gateway.url, 'rate_limit_decisions_total', { route: '/tried', decision: 'shadow' }), 1);
  assert.equal(await metric(gateway.url, 'rejected_requests_total', { code: 'rate_limited' }), 0);
});

test('clients hear nothing of it', async () => {
  const answer = await get('/tried');
  assert.equal(answer.header('ratelimit'), null);
  assert.equal(answer.header('ratelimit-policy'), null);
});

test('an enforced limit beside it does as it would alone', async () => {
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) statuses.push((await get('/both')).status);
  assert.deepEqual(statuses, [204, 204, 204, 429, 429]);
  const refused = await get('/both');
  assert.deepEqual(
    parseList(refused.header('ratelimit') ?? '').map(({ value }) => value),
    ['/both'],
  );
  // What was refused in earnest is no example of what the shadowed limit would have refused.
  assert.equal((await logOf(refused))['shadow'], undefined);
});

function logOf(answer: RawResponse) {
  return gateway.accessLog(answer.header('x-request-id') ?? '');
}

function get(path: string): Promise<RawResponse> {
  return ask(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
}
