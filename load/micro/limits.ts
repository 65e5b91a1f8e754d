/**
 * What limits cost the supervisor and a worker: to judge an ask, to take a batch apart and put its answer together, and to
 * remember a million clients.
 *
 *   bin/pinned-node --expose-gc load/micro/limits.ts
 */
import { deserialize, serialize } from 'node:v8';
import type { Ask, LimitRule } from '../../src/contracts/limiter.ts';
import { packAsks, unpackLevels } from '../../src/limit/asks.ts';
import { BucketTable } from '../../src/limit/bucket-table.ts';
import { judge } from '../../src/limit/judge.ts';
import { LimitKeeper } from '../../supervisor/limit-keeper.ts';

const sentBatches = new Map<readonly Ask[], Buffer>();
const answers = new Map<number, Buffer>();
const rounds = 15;
const clients = 10_000;
const global = ruleOf('client global', 1_000, 60_000);
const own = ruleOf('client route users', 100, 60_000);
const asks = Array.from({ length: clients }, (_, i): Ask => {
  const client = `i10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  return { rules: [global, own], buckets: [`${global.id}|${client}`, `${own.id}|${client}`] };
});

const table = new BucketTable(262_144, 128);
report(
  'judge, one limit',
  time(() => each(asks, ({ buckets }) => judge([global], [buckets[0] as string], table, 5))),
);
report(
  'judge, two limits',
  time(() => each(asks, ({ rules, buckets }) => judge(rules, buckets, table, 5))),
);
for (const size of [1, 8, 64]) {
  const keeper = new LimitKeeper(() => performance.now());
  const batches = Array.from({ length: clients / size }, (_, i) => asks.slice(i * size, (i + 1) * size));
  const inSupervisor = time(() => each(batches, (batch) => roundTrip(batch, keeper, 'supervisor')));
  const inWorker = time(() => each(batches, (batch) => roundTrip(batch, keeper, 'worker')));
  report(`supervisor, per ask of two limits, batches of ${size}`, inSupervisor / size);
  report(`worker, the same`, inWorker / size);
}
measureMillion();

/** The side's own half of a batch: what it packs and serializes, and what it takes apart. */
function roundTrip(batch: readonly Ask[], keeper: LimitKeeper, side: 'supervisor' | 'worker'): void {
  const message = { type: 'asks', batch: 1, ...packAsks(batch) } as const;
  if (side === 'supervisor') {
    const sent = sentBatches.get(batch) ?? serialize(message);
    sentBatches.set(batch, sent);
    serialize(keeper.answer(deserialize(sent) as typeof message));
    return;
  }
  serialize(message);
  const levels = deserialize(answerOf(batch)) as number[];
  unpackLevels(batch, levels);
}

function answerOf(batch: readonly Ask[]): Buffer {
  const size = batch.length * 2;
  let answer = answers.get(size);
  if (answer === undefined) answers.set(size, (answer = serialize(Array.from({ length: size }, (_, i) => i * 60_000))));
  return answer;
}

function measureMillion(): void {
  const before = memory();
  const keeper = new LimitKeeper(() => 1_000);
  let longest = 0;
  let total = 0;
  for (let i = 0; i < 1_000_000; i += 10) {
    const batch = Array.from({ length: 10 }, (_, n): Ask => {
      // As they come out of a message: flat strings of their own.
      const bucket = Buffer.from(
        `${global.id}|i2001:db8:${((i + n) >> 16).toString(16)}:${((i + n) & 65535).toString(16)}`,
      );
      return { rules: [global], buckets: [bucket.toString('latin1')] };
    });
    const begun = cpuMs();
    keeper.answer({ type: 'asks', batch: 1, ...packAsks(batch) });
    const took = cpuMs() - begun;
    longest = Math.max(longest, took);
    total += took;
  }
  const grown = memory() - before;
  console.log(
    `a million clients: ${keeper.size} buckets are kept, ${(grown / 2 ** 20).toFixed(1)} MB (${(grown / keeper.size).toFixed(0)} bytes each), ` +
      `${total.toFixed(0)} ms for all, ${longest.toFixed(2)} ms for the longest batch of ten`,
  );
}

/** Of this thread, since others use the machine too. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function memory(): number {
  if (globalThis.gc === undefined) throw new Error('run it with --expose-gc');
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function each<T>(items: readonly T[], run: (item: T) => void): number {
  for (const item of items) run(item);
  return items.length;
}

/** Median nanoseconds per item. */
function time(run: () => number): number {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedAt = cpuMs();
    const items = run();
    times.push(((cpuMs() - startedAt) / items) * 1e6);
  }
  return times.toSorted((a, b) => a - b)[rounds >> 1] ?? Number.NaN;
}

function ruleOf(id: string, max: number, windowMs: number): LimitRule {
  return { id, name: '', policy: '', max, windowMs, key: { kind: 'client' }, isShadow: false, detail: '' };
}

function report(what: string, nanoseconds: number): void {
  console.log(`${what.padEnd(60)} ${(nanoseconds / 1_000).toFixed(2).padStart(7)} µs`);
}
