/** What a gateway does with limits while Redis is away, by onError. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { valuesOf } from '../support/http-bytes.ts';
import { metric } from '../support/metric.ts';
import { ask, type RawResponse } from '../support/raw-client.ts';
import { startRedis } from '../support/redis.ts';

const hour = 3_600_000;
const routes = [
  { path: '/limited', respond: { status: 204 }, rateLimit: { max: 5, windowMs: hour } },
  { path: '/tried', respond: { status: 204 }, rateLimit: { max: 5, windowMs: hour, mode: 'shadow' } },
  { path: '/free', respond: { status: 204 } },
];

test('local: the whole limit once per node, whichever worker is asked, beginning with full buckets', async () => {
  const redis = await startRedis();
  const gateway = await startGateway({ config: configOf(redis.url, 'local'), workers: 2 });
  assert.deepEqual(await statuses(gateway, '/limited', 7), [204, 204, 204, 204, 204, 429, 429]);
  await redis.kill();
  await isAway(gateway);
  assert.deepEqual(await statuses(gateway, '/limited', 12), [...Array(5).fill(204), ...Array(7).fill(429)]);
});

test('open: no limit is kept, and every request that passes so is counted', async () => {
  const redis = await startRedis();
  const gateway = await startGateway({ config: configOf(redis.url, 'open'), workers: 1 });
  await redis.kill();
  await isAway(gateway);
  assert.deepEqual(await statuses(gateway, '/limited', 8), Array(8).fill(204));
  const open = { route: '/limited', decision: 'open' };
  await eventually(
    async () => ((await metric(gateway.adminUrl, 'rate_limit_decisions_total', open)) === 8 ? true : null),
    'the decisions to be counted',
  );
});

test('closed: limited requests get 503 with Retry-After, others do not, and a limit in shadow mode refuses nobody', async () => {
  const redis = await startRedis();
  const gateway = await startGateway({ config: configOf(redis.url, 'closed'), workers: 1 });
  assert.equal((await get(gateway, '/limited')).status, 204);
  await redis.kill();
  await isAway(gateway);
  const refused = await get(gateway, '/limited');
  assert.equal(refused.status, 503);
  assert.deepEqual(valuesOf(refused.fields, 'retry-after'), ['1']);
  assert.match(refused.body.toString(), /"code":"rate_limiter_unavailable"/);
  assert.doesNotMatch(refused.body.toString(), /redis/i);
  assert.equal((await get(gateway, '/tried')).status, 204);
  assert.equal((await get(gateway, '/free')).status, 204);
  assert.equal((await fetch(`${gateway.adminUrl}/health/ready`)).status, 503);

  await redis.start();
  await gateway.log(({ msg }) => msg === 'Redis is back');
  await gateway.ready();
  assert.equal((await get(gateway, '/limited')).status, 204);
});

test('a gateway starts without Redis, within the second that it waits, and its limits move there when it comes', async () => {
  const redis = await startRedis();
  await redis.kill();
  const gateway = await startGateway({ config: configOf(redis.url, 'local'), workers: 1 });
  assert.deepEqual(await statuses(gateway, '/limited', 6), [...Array(5).fill(204), 429]);
  await redis.start();
  await gateway.log(({ msg }) => msg === 'Redis is back');
  assert.deepEqual(await statuses(gateway, '/limited', 6), [...Array(5).fill(204), 429]);
});

function configOf(url: string, onError: string): object {
  return { rateLimit: { backend: 'redis', redis: { url, onError } }, routes };
}

async function isAway(gateway: Gateway): Promise<void> {
  await gateway.log(({ msg }) => String(msg).startsWith('Redis is away'));
  // Each worker has a connection of its own, and is told by the system no later than the supervisor, but may not have run yet.
  await get(gateway, '/tried');
}

async function statuses(gateway: Gateway, path: string, count: number): Promise<number[]> {
  const answers: number[] = [];
  for (let i = 0; i < count; i++) answers.push((await get(gateway, path)).status);
  return answers;
}

function get({ port }: Gateway, path: string): Promise<RawResponse> {
  return ask(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
}
