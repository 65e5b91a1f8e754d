/** Limits in a real Redis, and in a real Redis Cluster: what a batch of asks is answered, and what is decided without them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RedisConfig } from '../../../src/contracts/config.ts';
import type { Admission, Ask, Levels, LimitAuthority, LimitRule } from '../../../src/contracts/limiter.ts';
import { isAdmitted } from '../../../src/limit/judge.ts';
import { RedisAuthority } from '../../../src/state/redis-authority.ts';
import { RedisStore } from '../../../src/state/redis-store.ts';
import { eventually } from '../../support/deadline.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { startCluster } from '../../support/redis-cluster.ts';
import { redisConfig } from '../../support/redis-config.ts';
import { slowWayTo } from '../../support/slow-way.ts';

const perClient = rule('client global', 50);
const shared = rule('all route /', 100);
/** Nothing comes back while a test runs. */
const hour = 3_600_000;

test('the asks of a turn are one call, and answered in their order', async (t) => {
  const redis = await startRedis();
  const opened = await open(t, { url: redis.url });
  await undisturbed([opened], async (run) => {
    const shared = { ...rule(`all ${run}`, 100), windowMs: hour };
    const asks = Array.from({ length: 120 }, (_, i) => ask([perClient, `c${run} ${i % 4}`], [shared, 'a']));
    await redis.command('CONFIG', 'RESETSTAT');
    const admissions = await opened.authority.admit(asks);
    const calls = await scriptsRun(redis);
    return () => {
      assert.equal(countPassed(asks, admissions), 100);
      assert.ok(calls <= 1 + probes, `${calls} calls`);
    };
  });
});

test('what is asked while Redis is being asked goes in the next call, and each gets its own answer', async (t) => {
  const redis = await startRedis();
  const opened = await open(t, { url: redis.url });
  await undisturbed([opened], async (run) => {
    const names = Array.from({ length: 30 }, (_, i) => `c${run} ${i}`);
    const batches = names.map((name) => [ask([perClient, name]), ask([perClient, name])]);
    await redis.command('CONFIG', 'RESETSTAT');
    const admissions = await Promise.all(batches.map((batch) => opened.authority.admit(batch)));
    const calls = await scriptsRun(redis);
    return () => {
      for (const admission of admissions) assert.deepEqual(admission, [[60_000], [120_000]]);
      assert.ok(calls <= 2 + probes, `${calls} calls`);
    };
  });
});

test('what several workers ask at once adds up to the limit', async (t) => {
  const redis = await startRedis();
  const opened = await Promise.all([0, 1, 2].map(() => open(t, { url: redis.url })));
  await undisturbed(opened, async (run) => {
    const shared = { ...rule(`all ${run}`, 100), windowMs: hour };
    const batches = Array.from({ length: 300 }, () => [ask([shared, 'a']), ask([shared, 'a'])]);
    const admit = (batch: Ask[], i: number) => (opened[i % 3] as Opened).authority.admit(batch);
    const admissions = await Promise.all(batches.map(admit));
    return () => assert.equal(countAllPassed(batches, admissions), 100);
  });
});

test('the names of buckets tell limits and clients apart, and put those of one client into one slot', async (t) => {
  const redis = await startRedis();
  const { authority } = await open(t, { url: redis.url });
  const path = rule('client path /a/{b}', 5);
  await authority.admit([ask([perClient, 'cA {1}'], [path, 'cA {1}'], [shared, 'a'])]);
  const keys = (await redis.command('KEYS', '*')).split('\r\n').filter((line) => line.startsWith('sluice:limit'));
  assert.deepEqual(keys.sort(), [
    'sluice:limit:{all route /}',
    'sluice:limit:{cA %7B1%7D}:client global',
    'sluice:limit:{cA %7B1%7D}:client path /a/%7Bb%7D',
  ]);
});

test('gateways with another prefix have buckets of their own, and no key of theirs goes by another name', async (t) => {
  const redis = await startRedis();
  const { authority: blue } = await open(t, { url: redis.url, prefix: 'blue' });
  const { authority: green } = await open(t, { url: redis.url, prefix: 'green' });
  await blue.admit([ask([perClient, 'ca'])]);
  await green.admit([ask([perClient, 'ca'])]);
  await eventually(async () => {
    const keys = (await redis.command('KEYS', '*limit*')).split('\r\n').filter((line) => line.includes('limit'));
    return keys.sort().join() === 'blue:limit:{ca}:client global,green:limit:{ca}:client global' ? true : null;
  }, 'a bucket of each');
  assert.equal(await redis.command('KEYS', 'sluice*'), '*0\r\n');
});

for (const onError of ['open', 'closed'] as const) {
  test(`onError: ${onError} is the answer while Redis is away, and to what it answers too late`, async (t) => {
    const redis = await startRedis();
    const way = await slowWayTo(redis.port);
    const { authority, store } = await open(t, { url: `redis://127.0.0.1:${way.port}`, onError });
    way.delayMs = 200;
    assert.deepEqual(await authority.admit([ask([shared, 'a']), ask([shared, 'a'])]), [onError, onError]);
    assert.equal(store.status, 'up');
    await redis.kill();
    await eventually(() => (store.status === 'away' ? true : null), 'Redis to be away');
    assert.deepEqual(await authority.admit([ask([shared, 'a'])]), [onError]);
  });
}

test('onError: local asks the authority of the node', async (t) => {
  const redis = await startRedis();
  const { authority, store, asked } = await open(t, { url: redis.url, onError: 'local' });
  await authority.admit([ask([shared, 'a'])]);
  assert.equal(asked.length, 0);
  await redis.kill();
  await eventually(() => (store.status === 'away' ? true : null), 'Redis to be away');
  const last = ask([shared, 'a']);
  assert.deepEqual(await authority.admit([last]), [[7]]);
  assert.deepEqual(asked, [last]);
});

test('in a cluster, limits in several slots admit exactly as many as they should', async (t) => {
  const opened = await openCluster(t);
  await undisturbed([opened], async (run) => {
    const shared = { ...rule(`all ${run}`, 100), windowMs: hour };
    // Half of them from one client, which is over its own limit soon: it must not keep the others from what all share.
    const clientOf = (i: number): string => `c${run} ${i < 200 ? 0 : i % 4}`;
    const asks = Array.from({ length: 400 }, (_, i) => ask([shared, 'a'], [perClient, clientOf(i)]));
    // In several batches side by side, as from several workers.
    const batches = [0, 1, 2, 3].map((i) => asks.slice(100 * i, 100 * (i + 1)));
    const admissions = await Promise.all(batches.map((batch) => opened.authority.admit(batch)));
    return () => assert.equal(countAllPassed(batches, admissions), 100);
  });
});

test('in a cluster, a refusal takes from no slot, and tells how it stands with every limit', async (t) => {
  const opened = await openCluster(t);
  const few = rule('client route /few', 2);
  const admit = async (...limits: [LimitRule, string][]): Promise<number[]> => [
    ...((await opened.authority.admit([ask(...limits)]))[0] as number[]),
  ];
  await undisturbed([opened], async (run) => {
    const client = `c${run}`;
    const all = rule(`all global ${run}`, 3);
    // Used up by others; the client's own limit is taken first, and given back.
    for (let i = 0; i < 3; i++) await admit([all, 'a']);
    const [own = -1, every = 1] = await admit([few, client], [all, 'a']);
    const first = await admit([few, client]);
    // The client's own limit refuses: the other is looked at, and left alone.
    await admit([few, client]);
    const other = rule(`all other ${run}`, 3);
    await admit([other, 'a']);
    const [free = 0, refused = 0] = await admit([other, 'a'], [few, client]);
    return () => {
      assert.equal(own, 0);
      assert.ok(every < 0);
      assert.deepEqual(first, [60_000]);
      assert.ok(refused < 0);
      assert.ok(free > 0 && free <= 60_000, 'one token in use');
    };
  });
});

test('in a cluster, a shadowed limit without a token gives none back', async (t) => {
  const opened = await openCluster(t);
  const tried = { ...rule('client route /tried', 1), isShadow: true };
  await undisturbed([opened], async (run) => {
    const client = `c${run}`;
    const all = rule(`all small ${run}`, 2);
    for (let i = 0; i < 4; i++) await opened.authority.admit([ask([tried, client], [all, 'a'])]);
    const [levels] = (await opened.authority.admit([ask([tried, client])])) as Levels[];
    return () => assert.ok((levels?.[0] as number) < 0, 'still used up');
  });
});

test('a cluster that has lost a server is away until that is back', async (t) => {
  const { cluster, authority, store } = await openCluster(t, { onError: 'closed' });
  const clients = Array.from({ length: 30 }, (_, i) => ask([perClient, `c${i}`]));
  await cluster.nodes[1]?.kill();
  await authority.admit(clients);
  assert.equal(store.status, 'away');
  await cluster.nodes[1]?.start();
  await eventually(async () => {
    const admissions = await authority.admit(clients);
    return admissions.every((admission) => admission !== 'closed') ? true : null;
  }, 'every slot to be served');
});

/** A probe may come in between. */
const probes = 2;

async function scriptsRun(redis: RedisServer): Promise<number> {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.command('INFO', 'commandstats'))?.[1] ?? 0);
}

/**
 * Exact is what Redis decides. On a machine that has no processor for it, some of it comes too late, and the local
 * authority is asked: then once more, with other names. `run` answers what is to be checked.
 */
async function undisturbed(opened: readonly Opened[], run: (name: string) => Promise<() => void>): Promise<void> {
  for (let i = 1; ; i++) {
    for (const { store, asked } of opened) {
      await eventually(() => (store.status === 'up' ? true : null), 'Redis to be up');
      asked.length = 0;
    }
    const verify = await run(`run ${i}`);
    if (i < 10 && opened.some(({ asked }) => asked.length > 0)) continue;
    verify();
    return;
  }
}

function countAllPassed(batches: readonly Ask[][], admissions: readonly (readonly Admission[])[]): number {
  return batches.reduce((sum, batch, i) => sum + countPassed(batch, admissions[i] as Admission[]), 0);
}

type Opened = Awaited<ReturnType<typeof open>>;

async function openCluster(t: TestContext, more: Partial<RedisConfig> = {}) {
  const cluster = await startCluster();
  return { cluster, ...(await open(t, { cluster: cluster.addresses, ...more })) };
}

async function open(t: TestContext, some: Partial<RedisConfig>) {
  const config = redisConfig(some);
  const changes: string[] = [];
  const store = new RedisStore(config, (status, reason) => changes.push(`${status} ${reason}`));
  t.after(() => store.close());
  await store.started;
  assert.equal(store.status, 'up', changes.join('; '));
  const asked: Ask[] = [];
  const local: LimitAuthority = {
    admit(batch) {
      asked.push(...batch);
      return Promise.resolve(batch.map(({ rules }) => rules.map(() => 7)));
    },
  };
  return { store, asked, authority: new RedisAuthority(store, config, local) };
}

function ask(...limits: [LimitRule, string][]): Ask {
  return { rules: limits.map(([one]) => one), buckets: limits.map(([{ id }, whose]) => `${id}|${whose}`) };
}

function countPassed(asks: readonly Ask[], admissions: readonly Admission[]): number {
  return asks.filter(({ rules }, i) => isAdmitted(rules, admissions[i] as Levels)).length;
}

function rule(id: string, max: number): LimitRule {
  return { id, name: '', policy: '', key: { kind: 'all' }, detail: '', max, windowMs: 60_000, isShadow: false };
}
