/** Percentiles out of buckets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { quantileOf } from '../../../src/metrics/quantile.ts';

const bounds = [10, 20, 50];

test('a percentile lies within its bucket, as far along as its rank', () => {
  assert.equal(quantileOf(0.5, [0, 10, 0, 0], bounds), 15);
  assert.equal(quantileOf(0.5, [10, 10, 0, 0], bounds), 10);
  assert.equal(quantileOf(0.95, [10, 10, 0, 0], bounds), 19);
  assert.equal(quantileOf(0.5, [4, 0, 0, 0], bounds), 5);
});

test('what lies above every bound is told as the last one; nothing is told of nothing', () => {
  assert.equal(quantileOf(0.99, [0, 0, 0, 3], bounds), 50);
  assert.equal(quantileOf(0.5, [0, 0, 0, 0], bounds), null);
});

test('a percentile is in the bucket of the observation that it speaks of, and a higher one is no less', () => {
  const someCounts = fc
    .array(fc.nat(1000), { minLength: 4, maxLength: 4 })
    .filter((counts) => counts.some((n) => n > 0));
  const someShare = fc.double({ min: 0.01, max: 1, noNaN: true });
  fc.assert(
    fc.property(someCounts, someShare, someShare, (counts, one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      const [lower, higher] = [quantileOf(low, counts, bounds) ?? -1, quantileOf(high, counts, bounds) ?? -1];
      assert.ok(lower >= 0 && lower <= higher && higher <= 50);
      const all = counts.reduce((sum, n) => sum + n, 0);
      let below = 0;
      const bucket = counts.findIndex((n) => (below += n) >= low * all - 1e-9);
      const [from, to] = [bounds[bucket - 1] ?? 0, bounds[bucket] ?? 50];
      assert.ok(lower >= from - 1e-6 && lower <= to + 1e-6, `${lower} of ${counts.join(' ')} at ${low}`);
    }),
  );
});
