/** A master dies and its replica takes over: the gateway finds it through the sentinels, and the limits go on where they were. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { ask } from '../support/raw-client.ts';
import { backAfterMs, longestRequestMs } from '../support/redis-changes.ts';
import { startWatchedRedis } from '../support/redis-sentinel.ts';

test('after a failover the buckets of the replica are used, and no request has failed', async () => {
  const { master, replica, sentinels } = await startWatchedRedis();
  const config = {
    rateLimit: { backend: 'redis', redis: { sentinels, sentinelName: 'main' } },
    routes: [
      { path: '/load', respond: { status: 200 }, rateLimit: { max: 1_000_000, windowMs: 60_000 } },
      { path: '/few', respond: { status: 204 }, rateLimit: { max: 2, windowMs: 3_600_000 } },
    ],
  };
  const gateway = await startGateway({ config, workers: 1 });
  const few = async (): Promise<number> =>
    (await ask(gateway.port, 'GET /few HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).status;
  const load = startLoad(`${gateway.url}/load`);
  await load.more(100);
  assert.deepEqual([await few(), await few(), await few()], [204, 204, 429]);
  await replica.command('WAIT', '0', '0');

  const killedAt = Date.now();
  await master.kill();
  await backAfterMs(gateway, killedAt);
  assert.match(await replica.command('ROLE'), /master/);
  assert.equal(await few(), 429);
  await load.more(100);
  assert.deepEqual((await load.stop()).failures, []);
  assert.ok(longestRequestMs(gateway, killedAt) < 2_500);
});
