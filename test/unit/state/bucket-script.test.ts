/** The buckets of Redis against those of memory: the same asks at the same times, on a real redis-server, have the same answers. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { LimitRule, Rate } from '../../../src/contracts/limiter.ts';
import { type BucketState, type BucketStore, isAdmitted, judge } from '../../../src/limit/judge.ts';
import { bucketScript } from '../../../src/state/bucket-script.ts';
import { openRedis, type RedisConnection } from '../../../src/state/redis-connection.ts';
import { defineScript } from '../../../src/state/script.ts';
import { within } from '../../support/deadline.ts';
import { startRedis } from '../../support/redis.ts';
import { redisConfig } from '../../support/redis-config.ts';

const redis = await startRedis();
const connection = await connect(redis.url);
after(() => connection.close());

/** As the script is, but on a clock of the test's, which does not make buckets expire. */
const onVirtualClock = defineScript(
  replaceOnce(
    replaceOnce(
      bucketScript.text,
      `local time = redis.call('TIME')\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)`,
      'local now = tonumber(ARGV[2])',
    ),
    'math.max(1, fullIn)',
    '3600000 + fullIn',
  ),
);

const rate = fc.oneof(
  fc.record({ max: fc.integer({ min: 1, max: 5 }), windowMs: fc.integer({ min: 1, max: 5_000 }) }),
  fc.record({ max: fc.integer({ min: 1, max: 1_000_000 }), windowMs: fc.integer({ min: 1, max: 2 ** 31 }) }),
);
const shadowableRate = fc.tuple(rate, fc.boolean()).map(([some, isShadow]) => ({ ...some, isShadow }));
/** Which limits each ask has, and the time since the one before. Clocks of servers may go back. */
const asks = fc.array(
  fc.record({
    limits: fc.uniqueArray(fc.nat({ max: 3 }), { minLength: 1, maxLength: 4 }),
    gapMs: fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 3_000 }) }, fc.integer({ min: -8_000, max: 0 })),
    isReloaded: fc.nat({ max: 9 }).map((n) => n === 0),
  }),
  { minLength: 1, maxLength: 40 },
);

test('every answer is that of memory, to the last unit, also after reloads and with a clock that goes back', async () => {
  let run = 0;
  const rates = fc.array(shadowableRate, { minLength: 8, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(rates, asks, async (all, steps) => {
      const store = new MapStore();
      const names = [0, 1, 2, 3].map((i) => `run ${run}, bucket ${i}`);
      run++;
      let now = 1_790_000_000_000;
      let version = 0;
      for (const { limits, gapMs, isReloaded } of steps) {
        now += gapMs;
        if (isReloaded) version = 4 - version;
        const rules = limits.map((i) => ruleOf(all[version + i] as Rate & { isShadow: boolean }));
        const buckets = limits.map((i) => names[i] as string);
        const expected = [...(judge(rules, buckets, store, now) as number[])];
        assert.deepEqual(await ask(onVirtualClock, rules, buckets, now), expected);
      }
    }),
    { numRuns: 100 },
  );
});

test('many asks in one call are judged one after the other', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(shadowableRate, { minLength: 4, maxLength: 4 }),
      asks,
      fc.uuid(),
      async (all, steps, name) => {
        const store = new MapStore();
        const rules = all.map(ruleOf);
        const now = 1_790_000_000_000;
        const expected = steps.flatMap(({ limits }) => [
          ...(judge(
            limits.map((i) => rules[i] as LimitRule),
            limits.map((i) => `${name} ${i}`),
            store,
            now,
          ) as number[]),
        ]);
        const flat = steps.map(({ limits }) => [1, ...limits.flatMap((i) => [i + 1, i + 1])]);
        const keys = [0, 1, 2, 3].map((i) => `${name} ${i}`);
        const args = [JSON.stringify([numbersOf(rules), flat]), String(now)];
        assert.deepEqual(await connection.run({ script: onVirtualClock, keys, args }), expected);
      },
    ),
    { numRuns: 50 },
  );
});

test('the largest bucket that a config may ask for keeps every digit', async () => {
  const rule = ruleOf({ max: 1_000_000, windowMs: 32 * 24 * 3_600_000 });
  const store = new MapStore();
  let now = 1_790_000_000_000;
  for (let i = 0; i < 50; i++) {
    now += i % 7;
    assert.deepEqual(await ask(onVirtualClock, [rule], ['large'], now), judge([rule], ['large'], store, now));
  }
});

test('on the clock of Redis, in any interval t at most max × (1 + t / windowMs) pass', async () => {
  const rule = ruleOf({ max: 20, windowMs: 1_000 });
  const admitted: number[] = [];
  const until = performance.now() + 1_500;
  while (performance.now() < until) {
    const askedAt = performance.now();
    const levels = await ask(bucketScript, [rule], ['real clock']);
    if (isAdmitted([rule], levels)) admitted.push(askedAt);
  }
  const tookMs = performance.now() - (admitted[0] as number);
  assert.ok(admitted.length <= 20 * (1 + tookMs / 1_000), `${admitted.length} in ${tookMs} ms`);
  assert.ok(admitted.length >= 40, `${admitted.length}`);
});

test('a bucket is gone when it is full again', async () => {
  const rule = ruleOf({ max: 10, windowMs: 60_000 });
  await ask(bucketScript, [rule], ['expiring']);
  await ask(bucketScript, [rule], ['expiring']);
  const leftMs = Number((await redis.command('PTTL', 'expiring')).slice(1));
  assert.ok(leftMs > 6_000 && leftMs <= 12_000, `${leftMs}`);
});

test('to look takes nothing, and to give back undoes what was taken', async () => {
  const rules = [ruleOf({ max: 3, windowMs: 60_000 })];
  const run = (mode: number): Promise<number[]> => ask(onVirtualClock, rules, ['undone'], 1_000_000, mode);
  assert.deepEqual(await run(0), [0]);
  assert.deepEqual(await run(1), [60_000]);
  assert.deepEqual(await run(1), [120_000]);
  assert.deepEqual(await run(0), [120_000]);
  await run(-1);
  assert.deepEqual(await run(0), [60_000]);
  for (let i = 0; i < 3; i++) await run(-1);
  assert.deepEqual(await run(0), [0]);
});

test('what another program has left under the name of a bucket counts as a full one', async () => {
  await redis.command('SET', 'foreign text', 'something else');
  await redis.command('RPUSH', 'foreign list', 'something else');
  const rule = ruleOf({ max: 1, windowMs: 60_000 });
  assert.deepEqual(await ask(bucketScript, [rule, rule], ['foreign text', 'foreign list']), [60_000, 60_000]);
  const [again = 0] = await ask(bucketScript, [rule], ['foreign list']);
  assert.ok(again < 0, 'the token is taken');
});

function connect(url: string): Promise<RedisConnection> {
  const connected = new Promise<RedisConnection>((resolve) => {
    const opened = openRedis(redisConfig({ url }), { onReady: () => resolve(opened), onLost: () => {} });
  });
  return within(connected, 'a connection');
}

class MapStore implements BucketStore {
  readonly #buckets = new Map<string, BucketState>();

  read(bucket: string): BucketState | null {
    return this.#buckets.get(bucket) ?? null;
  }

  write(bucket: string, used: number, at: number, { windowMs }: Rate): void {
    this.#buckets.set(bucket, { used, at, windowMs });
  }
}

async function ask(
  script: typeof bucketScript,
  rules: readonly LimitRule[],
  keys: readonly string[],
  now = 0,
  mode = 1,
): Promise<number[]> {
  const one = [mode, ...rules.flatMap((_, i) => [i + 1, i + 1])];
  const args = [JSON.stringify([numbersOf(rules), [one]]), String(now)];
  return (await connection.run({ script, keys, args })) as number[];
}

function numbersOf(rules: readonly LimitRule[]): number[] {
  return rules.flatMap(({ max, windowMs, isShadow }) => [max, windowMs, isShadow ? 1 : 0]);
}

function ruleOf({ max, windowMs, isShadow = false }: Rate & { readonly isShadow?: boolean }): LimitRule {
  return { id: '', name: '', policy: '', key: { kind: 'all' }, detail: '', max, windowMs, isShadow };
}

function replaceOnce(text: string, part: string, replacement: string): string {
  assert.equal(text.split(part).length, 2, part);
  return text.replace(part, replacement);
}
