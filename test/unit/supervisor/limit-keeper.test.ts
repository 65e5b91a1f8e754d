/** The supervisor's buckets under a flood of clients that nobody has ever seen: bounded, and no help to those who are over their limit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectGarbage } from '../../../src/core/collect-garbage.ts';
import { LimitKeeper } from '../../../supervisor/limit-keeper.ts';

/** An ask of `client global`, 2 an hour, for each name. */
function asksOf(names: readonly string[]) {
  return {
    type: 'asks',
    batch: 1,
    rules: [2, 3_600_000, 0],
    sizes: names.map(() => 1),
    uses: names.map(() => 0),
    buckets: names.map((name) => `client global|i${name}`),
  } as const;
}

test('a million distinct clients take the memory of a quarter of them, and free nobody from a limit', () => {
  const keeper = new LimitKeeper(() => 1_000);
  const usedUp = Array.from({ length: 100 }, (_, i) => `heavy ${i}`);
  for (let i = 0; i < 2; i++) keeper.answer(asksOf(usedUp));
  const before = heldBytes();
  for (let i = 0; i < 1_000_000; i += 1_000) {
    keeper.answer(asksOf(Array.from({ length: 1_000 }, (_, n) => (i + n).toString(36))));
  }
  assert.ok(keeper.size <= 262_144, `${keeper.size} buckets`);
  const grownMb = (heldBytes() - before) / 2 ** 20;
  assert.ok(grownMb < 64, `${grownMb} MB`);
  assert.deepEqual(
    keeper.answer(asksOf(usedUp)).levels.filter((level) => level >= 0),
    [],
  );
});

function heldBytes(): number {
  collectGarbage('major');
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
