/** Redis stops answering under load: nobody waits for it, it is left alone but for probes, and used again when it goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { metric } from '../support/metric.ts';
import { startRedis } from '../support/redis.ts';
import { backAfterMs, longestRequestMs, redisChanges } from '../support/redis-changes.ts';
import { slowWayTo } from '../support/slow-way.ts';

/** Two seconds are promised; the rest is for a machine that has other things to do. */
const noticeMs = 2_000 + 6_000;
const limit = { max: 1_000_000, windowMs: 60_000 };
const routes = [{ path: '/*', respond: { status: 200 }, rateLimit: limit }];

test('a Redis that is stopped costs no request more than a moment, and is back within two seconds', async () => {
  const redis = await startRedis();
  const gateway = await startGateway({ config: configOf(redis.url), workers: 2 });
  const load = startLoad(`${gateway.url}/x`);
  await load.more(100);

  const hungAt = Date.now();
  redis.hang();
  await gateway.log(({ msg }) => String(msg).startsWith('Redis is away'));
  await load.more(200);
  // Longer than a connection is tried.
  await delay(3_000);
  await load.more(100);
  assert.equal(await metric(gateway.adminUrl, 'redis_up'), 0);
  // A request that had waited for Redis would have taken three seconds; the promise of 50 ms does not count a busy machine.
  const longest = longestRequestMs(gateway, hungAt);
  assert.ok(longest < 2_500, `${longest} ms`);

  const resumedAt = Date.now();
  redis.resume();
  const tookMs = await backAfterMs(gateway, resumedAt);
  assert.ok(tookMs < noticeMs, `${tookMs} ms`);
  await load.more(100);
  assert.deepEqual((await load.stop()).failures, []);
  // Answers that a busy machine makes late may have sent it away once more, for a moment.
  await eventually(async () => ((await metric(gateway.adminUrl, 'redis_up')) === 1 ? true : null), 'redis_up');
  const changes = redisChanges(gateway);
  assert.ok(changes.includes('away') && changes.includes('back'), String(changes));
  assert.ok(
    changes.every((change, i) => change !== changes[i - 1]),
    `each change is told once: ${String(changes)}`,
  );
});

test('a Redis that is slow is away as long as it is slow, told once, and gets few questions', async () => {
  const redis = await startRedis();
  const way = await slowWayTo(redis.port);
  const gateway = await startGateway({ config: configOf(`redis://127.0.0.1:${way.port}`), workers: 1 });
  const load = startLoad(`${gateway.url}/x`);
  await load.more(100);
  way.delayMs = 300;
  await gateway.log(({ msg }) => String(msg).startsWith('Redis is away'));
  const before = await scriptsRun(redis);
  await load.more(100);
  await delay(3_000);
  // The worker's and the supervisor's, one after the other.
  assert.ok((await scriptsRun(redis)) - before <= 2 * 12 + 20);
  assert.deepEqual(redisChanges(gateway).slice(-1), ['away']);
  const fastAt = Date.now();
  way.delayMs = 0;
  assert.ok((await backAfterMs(gateway, fastAt)) < noticeMs);
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
  await eventually(async () => ((await metric(gateway.adminUrl, 'redis_up')) === 1 ? true : null), 'redis_up');
});

function configOf(url: string): object {
  return { rateLimit: { backend: 'redis', redis: { url } }, routes };
}

async function scriptsRun(redis: Awaited<ReturnType<typeof startRedis>>): Promise<number> {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.command('INFO', 'commandstats'))?.[1] ?? 0);
}
