/** A real Redis Cluster of a test's own: three servers, each with a third of the slots, and a replica if a test wants one. */
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

/** A replica is not kept waiting for others that might want the same. */
const atOnce = ['--repl-diskless-sync-delay', '0'];
const args = [...atOnce, '--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-node-timeout'];

/** Serves every slot when it resolves. `nodeTimeoutMs`: a node that is silent for so long has failed. */
export async function startCluster(nodeTimeoutMs = 5_000): Promise<RedisCluster> {
  const options = { args: [...args, String(nodeTimeoutMs)] };
  const nodes = await Promise.all([0, 1, 2].map(() => startRedis(options)));
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], { timeout: 20_000 });
  await Promise.all(nodes.map((node) => until('the cluster', node, ['CLUSTER', 'INFO'], /cluster_state:ok/)));
  return { nodes, addresses };
}

/** A replica of this master, which has all that the master has, and is known to the other nodes, when it resolves. */
export async function addReplica(
  { nodes }: RedisCluster,
  master: RedisServer,
  nodeTimeoutMs: number,
): Promise<RedisServer> {
  const replica = await startRedis({ args: [...args, String(nodeTimeoutMs)] });
  const [, id = ''] = /(\w{40})/.exec(await master.command('CLUSTER', 'MYID')) ?? [];
  await replica.command('CLUSTER', 'MEET', '127.0.0.1', String(master.port));
  await until('the replica to know its master', replica, ['CLUSTER', 'REPLICATE', id], /OK/);
  await until('the replica to follow', replica, ['INFO', 'replication'], /master_link_status:up/);
  const known = new RegExp(`:${replica.port}@\\d+\\S* slave`);
  await Promise.all(nodes.map((node) => until('all to know the replica', node, ['CLUSTER', 'NODES'], known)));
  return replica;
}

async function until(what: string, node: RedisServer, words: readonly string[], reply: RegExp): Promise<void> {
  await eventually(async () => (reply.test(await node.command(...words)) ? true : null), what);
}
