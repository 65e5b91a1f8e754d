/** A real Redis Cluster of a test's own: three servers, each with a third of the slots. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { eventually } from './deadline.ts';
import { type RedisServer, startRedis } from './redis.ts';

const run = promisify(execFile);

export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  /** As the config wants them. */
  readonly addresses: readonly string[];
}

/** Serves every slot when it resolves. */
export async function startCluster(): Promise<RedisCluster> {
  const args = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-node-timeout', '5000'];
  const nodes = await Promise.all([0, 1, 2].map(() => startRedis({ args })));
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], { timeout: 20_000 });
  await Promise.all(
    nodes.map((node) =>
      eventually(
        async () => ((await node.command('CLUSTER', 'INFO')).includes('cluster_state:ok') ? true : null),
        'the cluster',
      ),
    ),
  );
  return { nodes, addresses };
}
