/** A real master with a replica, and a sentinel that puts one in the place of the other. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { eventually } from './deadline.ts';
import { freePorts } from './ports.ts';
import { type RedisServer, startRedis } from './redis.ts';

export interface WatchedRedis {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** As the config wants them; the master is called `main`. */
  readonly sentinels: readonly string[];
}

/** The replica has all that the master has, and the sentinel knows both, when it resolves. */
export async function startWatchedRedis(): Promise<WatchedRedis> {
  const master = await startRedis();
  const replica = await startRedis({ args: ['--replicaof', `127.0.0.1 ${master.port}`] });
  const sentinel = await startSentinel(master.port);
  await eventually(
    async () => ((await replica.command('INFO', 'replication')).includes('master_link_status:up') ? true : null),
    'the replica to follow',
  );
  await eventually(
    async () => ((await sentinel.command('SENTINEL', 'REPLICAS', 'main')).includes(`${replica.port}`) ? true : null),
    'the sentinel to know the replica',
    30_000,
  );
  return { master, replica, sentinels: [`127.0.0.1:${sentinel.port}`] };
}

/** One alone, which decides alone, once the master has been silent for a second. */
async function startSentinel(masterPort: number): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sentinel-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const [port = 0] = await freePorts(1);
  const file = join(folder, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    `sentinel monitor main 127.0.0.1 ${masterPort} 1`,
    'sentinel down-after-milliseconds main 1000',
    'sentinel failover-timeout main 5000',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return await startRedis({ port, args: [file, '--port', String(port), '--sentinel'] });
}
