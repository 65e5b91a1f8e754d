/** Limits in a real Redis, and in a real Redis Cluster: what a batch of asks is answered, and what is decided without them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RedisConfig } from '../../../src/contracts/config.ts';
import type { Admission, Ask, Levels, LimitAuthority, LimitRule } from '../../../src/contracts/limiter.ts';
import { isAdmitted } from '../../../src/limit/judge.ts';
import { RedisAuthority } from '../../../src/state/redis-authority.ts';
import { RedisStore } from '../../../src/state/redis-store.ts';
import { eventually } from '../../support/deadline.ts';
import { startRedis } from '../../support/redis.ts';
import { startCluster } from '../../support/redis-cluster.ts';
import { redisConfig } from '../../support/redis-config.ts';
import { slowWayTo } from '../../support/slow-way.ts';

const perClient = rule('client global', 50);
const shared = rule('all route /', 100);

test('the asks of a turn are one call, and answered in their order', async (t) => {
  const redis = await startRedis();
  const { authority } = await open(t, { url: redis.url });
  await redis.command('CONFIG', 'RESETSTAT');
  const asks = Array.from({ length: 120 }, (_, i) => ask([perClient, `c${i % 4}`], [shared, 'a']));
  const passed = countPassed(asks, await authority.admit(asks));
  assert.equal(passed, 100);
  assert.match(await redis.command('INFO', 'commandstats'), /cmdstat_evalsha:calls=1,/);
});

test('what is asked while Redis is being asked goes in the next call, and each gets its own answer', async (t) => {
  const redis = await startRedis();
  const { authority } = await open(t, { url: redis.url });
  await redis.command('CONFIG', 'RESETSTAT');
  const batches = Array.from({ length: 30 }, (_, i) => [ask([perClient, `c${i}`]), ask([perClient, `c${i}`])]);
  const admissions = await Promise.all(batches.map((batch) => authority.admit(batch)));
  for (const admission of admissions) assert.deepEqual(admission, [[60_000], [120_000]]);
  assert.match(await redis.command('INFO', 'commandstats'), /cmdstat_evalsha:calls=2,/);
});

test('what several workers ask at once adds up to the limit', async (t) => {
  const redis = await startRedis();
  const authorities = await Promise.all([0, 1, 2].map(async () => (await open(t, { url: redis.url })).authority));
  const batches = Array.from({ length: 300 }, () => [ask([shared, 'a']), ask([shared, 'a'])]);
  const admissions = await Promise.all(batches.map((batch, i) => (authorities[i % 3] as LimitAuthority).admit(batch)));
  const passed = batches.reduce((sum, batch, i) => sum + countPassed(batch, admissions[i] as Admission[]), 0);
  assert.equal(passed, 100);
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
  const { authority, asked } = await openCluster(t);
  // Half of them from one client, which is over its own limit soon: it must not keep the others from what all share.
  const asks = Array.from({ length: 400 }, (_, i) => ask([shared, 'a'], [perClient, `c${i < 200 ? 0 : i % 4}`]));
  // In several batches side by side, as from several workers.
  const batches = [0, 1, 2, 3].map((i) => asks.slice(100 * i, 100 * (i + 1)));
  const admissions = await Promise.all(batches.map((batch) => authority.admit(batch)));
  assert.equal(
    batches.reduce((sum, batch, i) => sum + countPassed(batch, admissions[i] as Admission[]), 0),
    100,
  );
  assert.equal(asked.length, 0, 'decided without Redis');
});

test('in a cluster, a refusal takes from no slot, and tells how it stands with every limit', async (t) => {
  const { authority } = await openCluster(t);
  const few = rule('client route /few', 2);
  const all = rule('all global', 3);
  const admit = async (...limits: [LimitRule, string][]): Promise<number[]> => [
    ...((await authority.admit([ask(...limits)]))[0] as number[]),
  ];
  // Used up by others; the client's own limit is taken first, and given back.
  for (let i = 0; i < 3; i++) await admit([all, 'a']);
  const [own = -1, every = 1] = await admit([few, 'cB'], [all, 'a']);
  assert.equal(own, 0);
  assert.ok(every < 0);
  assert.deepEqual(await admit([few, 'cB']), [60_000]);
  // The client's own limit refuses: the other is looked at, and left alone.
  await admit([few, 'cB']);
  const other = rule('all other', 3);
  await admit([other, 'a']);
  const [free = 0, refused = 0] = await admit([other, 'a'], [few, 'cB']);
  assert.ok(refused < 0);
  assert.ok(free > 0 && free <= 60_000, 'one token in use');
});

test('in a cluster, a shadowed limit without a token gives none back', async (t) => {
  const { authority } = await openCluster(t);
  const tried = { ...rule('client route /tried', 1), isShadow: true };
  const all = rule('all small', 2);
  for (let i = 0; i < 4; i++) await authority.admit([ask([tried, 'cC'], [all, 'a'])]);
  const [levels] = (await authority.admit([ask([tried, 'cC'])])) as Levels[];
  assert.ok((levels?.[0] as number) < 0, 'still used up');
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
