/** What requests are let through over time, and all limits of a request or none: properties on a virtual clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Rate } from '../../../src/contracts/limiter.ts';
import { type BucketState, type BucketStore, isAdmitted, type JudgedRule, judge } from '../../../src/limit/judge.ts';

class MapStore implements BucketStore {
  readonly buckets = new Map<string, BucketState>();

  read(bucket: string): BucketState | null {
    return this.buckets.get(bucket) ?? null;
  }

  write(bucket: string, used: number, at: number, { windowMs }: Rate): void {
    this.buckets.set(bucket, { used, at, windowMs });
  }

  snapshot(): string {
    return JSON.stringify([...this.buckets]);
  }
}

const rule = (max: number, windowMs: number, isShadow = false): JudgedRule => ({ max, windowMs, isShadow });

test('exactly max requests pass on a full bucket', () => {
  const store = new MapStore();
  const rules = [rule(100, 60_000)];
  let passed = 0;
  for (let i = 0; i < 2000; i++) if (isAdmitted(rules, judge(rules, ['a'], store, 5_000))) passed++;
  assert.equal(passed, 100);
});

test('in any interval t at most max × (1 + t / windowMs) pass, whenever they come', () => {
  fc.assert(
    fc.property(someRate, fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 300 }), (rate, gaps) => {
      const admittedAt = replay(rate, gaps);
      for (let from = 0; from < admittedAt.length; from++) {
        for (let to = from; to < admittedAt.length; to++) {
          const t = (admittedAt[to] as number) - (admittedAt[from] as number);
          // Compared in whole numbers: count ≤ max + max × t / windowMs.
          assert.ok((to - from + 1 - rate.max) * rate.windowMs <= rate.max * t);
        }
      }
    }),
  );
});

test('whoever asks all the time gets no less than the limit promises', () => {
  fc.assert(
    fc.property(someRate, fc.integer({ min: 1, max: 2_000 }), (rate, durationMs) => {
      const admitted = replay(rate, [0, ...Array(durationMs).fill(1)], rate.max + 1).length;
      assert.equal(admitted, rate.max + Math.floor((rate.max * durationMs) / rate.windowMs));
    }),
    { numRuns: 50 },
  );
});

test('a clock that goes back and forth admits no more than its highest time allows', () => {
  fc.assert(
    fc.property(someRate, fc.array(fc.integer({ min: -300, max: 400 }), { maxLength: 200 }), (rate, steps) => {
      const first = 10_000;
      let now = first;
      let highest = first;
      let admitted = 0;
      const store = new MapStore();
      const rules = [{ ...rate, isShadow: false }];
      for (const step of [0, ...steps]) {
        now = Math.max(now + step, highest - rate.windowMs);
        highest = Math.max(highest, now);
        if (isAdmitted(rules, judge(rules, ['a'], store, now))) admitted++;
      }
      assert.ok((admitted - rate.max) * rate.windowMs <= rate.max * (highest - first));
    }),
  );
});

test('a refusal takes from no bucket, whichever limit refuses', () => {
  fc.assert(
    fc.property(fc.array(someRate, { minLength: 1, maxLength: 4 }), asksOfMany, (rates, gaps) => {
      const store = new MapStore();
      const rules = rates.map((rate) => ({ ...rate, isShadow: false }));
      const names = rates.map((_, i) => `bucket ${i}`);
      let now = 0;
      for (const gap of gaps) {
        now += gap;
        const before = store.snapshot();
        const levels = judge(rules, names, store, now);
        if (isAdmitted(rules, levels)) assert.ok(names.every((name) => store.read(name)?.at === now));
        else assert.equal(store.snapshot(), before);
      }
    }),
  );
});

test('several limits admit what each of them alone would have had to give', () => {
  const store = new MapStore();
  const rules = [rule(10, 1000), rule(3, 1000)];
  const pass = (name: string): boolean => isAdmitted(rules, judge(rules, ['all', name], store, 0));
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => pass('a')),
    [true, true, true, false, false],
  );
  // The two refusals cost the first limit nothing: seven are left for others.
  const others = ['b', 'c', 'd'].flatMap((name) => [pass(name), pass(name), pass(name)]);
  assert.equal(others.filter((passed) => passed).length, 7);
});

test('the answer says how much is in use, or how long to wait', () => {
  const store = new MapStore();
  const rules = [rule(2, 1000), rule(1, 4000)];
  assert.deepEqual(judge(rules, ['a', 'b'], store, 0), [1000, 4000]);
  assert.deepEqual(judge(rules, ['a', 'b'], store, 100), [800, -3900]);
});

test('a shadowed limit counts in its own bucket, and refuses nobody', () => {
  const store = new MapStore();
  const rules = [rule(3, 1000), rule(1, 1000, true)];
  const answers = [0, 0, 0, 0].map(() => judge(rules, ['a', 'b'], store, 0));
  assert.deepEqual(answers, [
    [1000, 1000],
    [2000, -1000],
    [3000, -1000],
    [-334, -1000],
  ]);
  assert.deepEqual(
    answers.map((levels) => isAdmitted(rules, levels)),
    [true, true, true, false],
  );
});

test('what an enforced limit refuses, a shadowed one does not count', () => {
  const store = new MapStore();
  const rules = [rule(1, 1000), rule(5, 1000, true)];
  for (let i = 0; i < 10; i++) judge(rules, ['a', 'b'], store, 0);
  assert.equal(store.read('b')?.used, 1000);
});

test('a rule that a reload has changed goes on with the tokens that are in use', () => {
  const store = new MapStore();
  for (let i = 0; i < 8; i++) judge([rule(10, 1000)], ['a'], store, 0);
  const raised = [rule(12, 60_000)];
  const answers = Array.from({ length: 6 }, () => isAdmitted(raised, judge(raised, ['a'], store, 0)));
  assert.deepEqual(answers, [true, true, true, true, false, false]);
});

/** When requests passed that came with these pauses, so many at a time. */
function replay(rate: Rate, gaps: readonly number[], atOnce = 1): number[] {
  const store = new MapStore();
  const rules = [{ ...rate, isShadow: false }];
  const admittedAt: number[] = [];
  let now = 1_700_000_000_000;
  for (const gap of gaps) {
    now += gap;
    for (let i = 0; i < atOnce; i++) if (isAdmitted(rules, judge(rules, ['a'], store, now))) admittedAt.push(now);
  }
  return admittedAt;
}

const someRate = fc.record({ max: fc.integer({ min: 1, max: 40 }), windowMs: fc.integer({ min: 1, max: 5_000 }) });
const asksOfMany = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 100 });
