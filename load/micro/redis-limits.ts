/**
 * What limits in Redis cost a worker and Redis: a call of the bucket script, by how many asks travel in it.
 *
 *   bin/pinned-node load/micro/redis-limits.ts redis://127.0.0.1:6379
 *
 * Wants a Redis that nobody else uses.
 */
import type { Ask, LimitAuthority, LimitRule } from '../../src/contracts/limiter.ts';
import { RedisAuthority } from '../../src/state/redis-authority.ts';
import { RedisStore } from '../../src/state/redis-store.ts';

const url = process.argv[2] ?? 'redis://127.0.0.1:6379';
const config = {
  url,
  onError: 'open',
  sentinels: [],
  sentinelName: null,
  cluster: [],
  prefix: 'sluice',
  tls: null,
} as const;
const nobody: LimitAuthority = { admit: () => Promise.reject(new Error('not asked')) };
const store = new RedisStore(config, (status, reason) => status === 'away' && console.log(`Redis is away: ${reason}`));
await store.started;
const authority = new RedisAuthority(store, config, nobody);
const rules = ['global', 'route'].map((id) => ruleOf(`client ${id}`));

for (const limits of [1, 2]) {
  for (const size of [1, 4, 16, 64]) {
    const batch = Array.from({ length: size }, (_, i) => askOf(i, limits));
    await repeat(200, batch);
    const before = process.cpuUsage();
    const calls = await repeat(2_000, batch);
    const { user, system } = process.cpuUsage(before);
    const perCall = (user + system) / calls;
    console.log(
      `${limits} limits, ${String(size).padStart(2)} asks a call: ${perCall.toFixed(1).padStart(6)} µs a call, ` +
        `${(perCall / size).toFixed(1).padStart(5)} µs an ask`,
    );
  }
}
store.close();

/** One after the other; how many. */
async function repeat(calls: number, batch: readonly Ask[]): Promise<number> {
  for (let i = 0; i < calls; i++) await authority.admit(batch);
  return calls;
}

function askOf(client: number, limits: number): Ask {
  const asked = rules.slice(0, limits);
  return { rules: asked, buckets: asked.map(({ id }) => `${id}|i10.0.0.${client}`) };
}

function ruleOf(id: string): LimitRule {
  const rate = { max: 1_000_000_000, windowMs: 60_000 };
  return { id, name: '', policy: '', key: { kind: 'client' }, isShadow: false, detail: '', ...rate };
}
