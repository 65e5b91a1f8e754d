/** The asks of one turn of the event loop travel together, and everybody gets their own answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Admission, Ask, LimitAuthority } from '../../../src/contracts/limiter.ts';
import { BatchingLimiter } from '../../../src/limit/batching-limiter.ts';
import { ruleOf } from './rule-of.ts';

/** Answers when it is told to, with a level that tells the ask. */
class SlowAuthority implements LimitAuthority {
  readonly batches: (readonly Ask[])[] = [];
  readonly #answers: (() => void)[] = [];

  admit(batch: readonly Ask[]): Promise<readonly Admission[]> {
    this.batches.push(batch);
    return new Promise((resolve) => this.#answers.push(() => resolve(batch.map(levelOf))));
  }

  answer(batch: number): void {
    this.#answers[batch]?.();
  }
}

const levelOf = ({ buckets }: Ask): number[] => [Number(buckets[0])];
const ask = (bucket: string): Ask => ({ rules: [ruleOf({})], buckets: [bucket] });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('one batch a turn, answered in whatever order the batches come back', async () => {
  const authority = new SlowAuthority();
  const limiter = new BatchingLimiter(authority);
  const first = ['1', '2', '3'].map((bucket) => limiter.admit(ask(bucket)));
  await turn();
  const second = ['4', '5'].map((bucket) => limiter.admit(ask(bucket)));
  await turn();
  assert.deepEqual(
    authority.batches.map((batch) => batch.length),
    [3, 2],
  );
  authority.answer(1);
  assert.deepEqual(await Promise.all(second), [[4], [5]]);
  authority.answer(0);
  assert.deepEqual(await Promise.all(first), [[1], [2], [3]]);
});

test('another authority is asked from the next turn on, and the one that was asked answers', async () => {
  const [old, next] = [new SlowAuthority(), new SlowAuthority()];
  const limiter = new BatchingLimiter(old);
  const asked = limiter.admit(ask('1'));
  await turn();
  limiter.authority = next;
  const later = limiter.admit(ask('2'));
  await turn();
  assert.deepEqual([old.batches.length, next.batches.length], [1, 1]);
  old.answer(0);
  next.answer(0);
  assert.deepEqual(await Promise.all([asked, later]), [[1], [2]]);
});
