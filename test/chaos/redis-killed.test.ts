/** Redis is killed and comes back with nothing, or cuts its connections, under load: no request fails, and limits go on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { ask } from '../support/raw-client.ts';
import { startRedis } from '../support/redis.ts';
import { backAfterMs, longestRequestMs, redisChanges } from '../support/redis-changes.ts';

/** Two seconds are promised; the rest is for a machine that has other things to do. */
const noticeMs = 2_000 + 6_000;
const routes = [
  { path: '/load', respond: { status: 200 }, rateLimit: { max: 1_000_000, windowMs: 60_000 } },
  { path: '/few', respond: { status: 204 }, rateLimit: { max: 2, windowMs: 3_600_000 } },
];

test('a kill and a restart with empty data, twice', async () => {
  const redis = await startRedis();
  const gateway = await startGateway({ config: configOf(redis.url), workers: 2 });
  const load = startLoad(`${gateway.url}/load`);
  await load.more(100);
  assert.deepEqual(await few(gateway), [204, 204, 429]);
  const beganAt = Date.now();
  for (let i = 0; i < 2; i++) {
    await redis.kill();
    await eventually(() => (redisChanges(gateway).at(-1) === 'away' ? true : null), 'Redis to be away');
    await load.more(100);
    const startedAt = Date.now();
    await redis.start();
    const tookMs = await backAfterMs(gateway, startedAt);
    assert.ok(tookMs < noticeMs, `${tookMs} ms`);
    // It knows neither the script nor a bucket any more.
    assert.deepEqual(await few(gateway), [204, 204, 429]);
    await load.more(100);
  }
  assert.deepEqual((await load.stop()).failures, []);
  assert.deepEqual(redisChanges(gateway), ['up', 'away', 'back', 'away', 'back']);
  assert.ok(longestRequestMs(gateway, beganAt) < 1_000);
});

test('connections that are cut are made anew, and the limits are where they were', async () => {
  const redis = await startRedis();
  const gateway = await startGateway({ config: configOf(redis.url), workers: 2 });
  const load = startLoad(`${gateway.url}/load`);
  await load.more(100);
  assert.deepEqual(await few(gateway), [204, 204, 429]);
  const cutAt = Date.now();
  await redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  assert.ok((await backAfterMs(gateway, cutAt)) < noticeMs);
  await load.more(100);
  assert.deepEqual((await load.stop()).failures, []);
  assert.deepEqual(await few(gateway), [429, 429, 429]);
  assert.deepEqual(redisChanges(gateway), ['up', 'away', 'back']);
});

function configOf(url: string): object {
  return { rateLimit: { backend: 'redis', redis: { url } }, routes };
}

async function few(gateway: Gateway): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < 3; i++) {
    statuses.push((await ask(gateway.port, 'GET /few HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).status);
  }
  return statuses;
}
