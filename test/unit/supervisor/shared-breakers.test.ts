/** Circuits of several nodes that share a real Redis. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BreakerChange } from '../../../src/contracts/breaker.ts';
import { RedisStore } from '../../../src/state/redis-store.ts';
import { SharedBreakers } from '../../../supervisor/shared-breakers.ts';
import { eventually } from '../../support/deadline.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { redisConfig } from '../../support/redis-config.ts';

const key = 'api@0123456789ab';

test('what opens at one node is soon open at the others, for as long as there', async (t) => {
  const redis = await startRedis();
  const [a, b, c] = await Promise.all([node(t, redis), node(t, redis), node(t, redis)]);
  const openedAt = performance.now();
  a.open(key, 20_000);
  for (const { adopted } of [b, c]) {
    await eventually(() => (adopted.length > 0 ? true : null), 'the others to know');
    const { openForMs = 0, ...rest } = adopted[0] ?? {};
    assert.deepEqual(rest, { key, state: 'open' });
    assert.ok(openForMs <= 20_000 && openForMs > 20_000 - (performance.now() - openedAt) - 50, `${openForMs}`);
  }
});

test('an opening is judged once at each node, told to nobody a second time, and not by who has opened', async (t) => {
  const redis = await startRedis();
  const [a, b] = await Promise.all([node(t, redis), node(t, redis)]);
  a.open(key, 20_000);
  await eventually(() => (b.adopted.length > 0 ? true : null), 'the other to know');
  // A second one comes behind all rounds that might repeat the first.
  b.open('other@0123456789ab', 20_000);
  await eventually(() => (a.adopted.length > 0 ? true : null), 'the first to know of the second');
  assert.deepEqual(
    [a, b].map(({ adopted }) => adopted.map((change) => change.key)),
    [['other@0123456789ab'], [key]],
  );
});

test('an opening that follows another is one of its own', async (t) => {
  const redis = await startRedis();
  const [a, b] = await Promise.all([node(t, redis), node(t, redis)]);
  // Long enough to be heard of in one of the rounds, however late that comes.
  a.open(key, 10_000);
  await eventually(() => (b.adopted.length === 1 ? true : null), 'the first');
  a.open(key, 20_000);
  await eventually(() => (b.adopted.length === 2 ? true : null), 'the second');
});

test('a node that comes later hears of what is open, and nothing is kept of what is over', async (t) => {
  const redis = await startRedis();
  const a = await node(t, redis);
  a.open(key, 5_000);
  await eventually(
    async () => ((await redis.command('EXISTS', 'sluice:{breakers}')) === ':1\r\n' ? true : null),
    'Redis to know',
  );
  const late = await node(t, redis);
  await eventually(() => (late.adopted.length === 1 ? true : null), 'the late one to know');
  await eventually(
    async () => ((await redis.command('EXISTS', 'sluice:{breakers}')) === ':0\r\n' ? true : null),
    'it to be gone',
  );
});

test('an upstream that a reload brings is open from the beginning, if it is open elsewhere', async (t) => {
  const redis = await startRedis();
  const a = await node(t, redis);
  let hasCome = false;
  let heard = 0;
  const b = await node(t, redis, 'sluice', (about) => {
    if (about === key) heard++;
    return hasCome || about !== key;
  });
  a.open(key, 60_000);
  await eventually(() => (heard > 1 ? true : null), 'the other to hear of it, again and again');
  hasCome = true;
  const before = heard;
  await eventually(() => (heard > before ? true : null), 'it to be taken up');
  // Another one comes behind all rounds that might judge it once more.
  a.open('other@0123456789ab', 60_000);
  await eventually(() => (b.adopted.some((change) => change.key !== key) ? true : null), 'the next');
  assert.equal(heard, before + 1);
});

test('what has opened while Redis was away is told when it is back', async (t) => {
  const redis = await startRedis();
  const [a, b] = await Promise.all([node(t, redis), node(t, redis)]);
  await redis.kill();
  await eventually(() => (a.store.status === 'away' ? true : null), 'Redis to be away');
  a.open(key, 20_000);
  await redis.start();
  await eventually(() => (b.adopted.length === 1 ? true : null), 'the other to know');
});

test('a key that holds something else is told once; Redis stays up for limits, and nodes judge alone until it has gone', async (t) => {
  const redis = await startRedis();
  await redis.command('SET', 'sluice:{breakers}', 'mine');
  const [a, b] = await Promise.all([node(t, redis), node(t, redis)]);
  a.open(key, 60_000);
  await eventually(() => (a.lines.length > 0 && b.lines.length > 0 ? true : null), 'both to complain');
  const asked = await scriptsRun(redis);
  // Some more rounds of both, and probes.
  await eventually(async () => ((await scriptsRun(redis)) >= asked + 10 ? true : null), 'more rounds');
  assert.deepEqual(b.adopted, []);

  await redis.command('DEL', 'sluice:{breakers}');
  await eventually(() => (b.adopted.length === 1 ? true : null), 'the other to know');
  const lines = [
    'circuit breakers: nodes can not tell each other, each judges alone',
    'circuit breakers: nodes tell each other again',
  ];
  assert.deepEqual([a.lines, b.lines], [lines, lines]);
  assert.doesNotMatch([...a.changes, ...b.changes].join(), /WRONGTYPE/);
});

test('a field that somebody else has written there is no opening, and does not stay', async (t) => {
  const redis = await startRedis();
  await redis.command('HSET', 'sluice:{breakers}', key, 'mine', 'other', '');
  const [a, b] = await Promise.all([node(t, redis), node(t, redis)]);
  a.open(key, 60_000);
  await eventually(() => (b.adopted.length === 1 ? true : null), 'the other to know');
  assert.equal(await redis.command('HLEN', 'sluice:{breakers}'), ':1\r\n');
  assert.deepEqual([a.lines, b.lines], [[], []]);
});

test('nodes with another prefix hear nothing of it', async (t) => {
  const redis = await startRedis();
  const [a, stranger] = await Promise.all([node(t, redis), node(t, redis, 'blue')]);
  a.open(key, 60_000);
  const b = await node(t, redis);
  await eventually(() => (b.adopted.length === 1 ? true : null), 'a node with the same prefix to know');
  // By then the other has asked as well: it is told of its own opening, and of nothing else.
  stranger.open('own@0123456789ab', 60_000);
  await eventually(
    async () => ((await redis.command('HLEN', 'blue:{breakers}')) === ':1\r\n' ? true : null),
    'Redis to know',
  );
  assert.deepEqual(stranger.adopted, []);
});

async function scriptsRun(redis: RedisServer): Promise<number> {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.command('INFO', 'commandstats'))?.[1] ?? 0);
}

async function node(t: TestContext, redis: RedisServer, prefix = 'sluice', known = (_key: string): boolean => true) {
  const changes: string[] = [];
  const store = new RedisStore(redisConfig({ url: redis.url, prefix }), (_, reason) => changes.push(reason));
  await store.started;
  const adopted: BreakerChange[] = [];
  const lines: string[] = [];
  const ends = new Map<string, number>();
  const describe = (about: string): BreakerChange => {
    const openForMs = Math.max(0, (ends.get(about) ?? 0) - performance.now());
    return { key: about, state: openForMs > 0 ? 'open' : 'closed', openForMs };
  };
  const shared = new SharedBreakers({
    redis: () => store,
    describe,
    log: { info: (_: object, line: string) => lines.push(line), warn: (_: object, line: string) => lines.push(line) },
    adopt(change) {
      adopted.push(change);
      if (!known(change.key)) return false;
      // As the circuits of the node do.
      shared.changed(change);
      return true;
    },
  });
  shared.follow(true);
  t.after(() => {
    shared.follow(false);
    store.close();
  });
  const open = (about: string, forMs: number): void => {
    ends.set(about, performance.now() + forMs);
    shared.changed(describe(about));
  };
  return { store, changes, lines, adopted, open };
}
