/** A master of a Redis Cluster is killed under load: no request fails, and its replica goes on with the limits as they were. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { metric } from '../support/metric.ts';
import { ask } from '../support/raw-client.ts';
import type { RedisServer } from '../support/redis.ts';
import { longestRequestMs, redisChanges } from '../support/redis-changes.ts';
import { addReplica, startCluster } from '../support/redis-cluster.ts';

/** A server that is silent for so long has failed; then the others agree on its replica. */
const nodeTimeoutMs = 2_000;

test('a cluster that has lost a master is away until its replica has taken over, and nobody notices', async () => {
  const cluster = await startCluster(nodeTimeoutMs);
  const config = {
    rateLimit: { backend: 'redis', redis: { cluster: cluster.addresses } },
    routes: [
      { path: '/load', respond: { status: 200 }, rateLimit: { max: 1_000_000, windowMs: 60_000 } },
      { path: '/few', respond: { status: 204 }, rateLimit: { max: 2, windowMs: 3_600_000 } },
    ],
  };
  const gateway = await startGateway({ config, workers: 2 });
  const few = async (): Promise<number> =>
    (await ask(gateway.port, 'GET /few HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).status;
  assert.deepEqual([await few(), await few(), await few()], [204, 204, 429]);
  const master = await ownerOf('limit', cluster.nodes);
  const replica = await addReplica(cluster, master, nodeTimeoutMs);
  await ownerOf('limit', [replica]);

  const load = startLoad(`${gateway.url}/load`);
  await load.more(100);
  const killedAt = Date.now();
  await master.kill();
  await eventually(() => (redisChanges(gateway).at(-1) === 'away' ? true : null), 'Redis to be away');
  // The node's own buckets begin full.
  assert.equal(await few(), 204);
  await load.more(100);
  await eventually(() => (redisChanges(gateway).at(-1) === 'back' ? true : null), 'Redis to be back', 60_000);
  assert.match(await replica.command('ROLE'), /master/);
  assert.equal(await few(), 429);
  await load.more(100);
  assert.deepEqual((await load.stop()).failures, []);
  await eventually(async () => ((await metric(gateway.adminUrl, 'redis_up')) === 1 ? true : null), 'redis_up');
  assert.ok(longestRequestMs(gateway, killedAt) < 2_500);
});

/** Who has a key of which the name holds `word`. */
function ownerOf(word: string, nodes: readonly RedisServer[]): Promise<RedisServer> {
  return eventually(async () => {
    for (const node of nodes) if ((await node.command('KEYS', `*${word}*`)).includes(word)) return node;
    return null;
  }, `a key with ${word}`);
}
