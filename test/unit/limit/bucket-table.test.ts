/** Buckets in memory: found again, forgotten when full, and never more than there may be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BucketTable } from '../../../src/limit/bucket-table.ts';
import { judge } from '../../../src/limit/judge.ts';

const rate = { max: 10, windowMs: 1_000 };
const rule = { ...rate, isShadow: false };

test('a bucket is found again with all its numbers', () => {
  const table = new BucketTable(1_000, 4);
  for (let i = 0; i < 500; i++) table.write(`bucket ${i}`, i, 1_000 + i, { max: 3, windowMs: i + 1 });
  assert.equal(table.size, 500);
  for (let i = 0; i < 500; i++) {
    assert.deepEqual({ ...table.read(`bucket ${i}`) }, { used: i, at: 1_000 + i, windowMs: i + 1 });
  }
  assert.equal(table.read('bucket 500'), null);
});

test('writing again overwrites', () => {
  const table = new BucketTable(10, 1);
  table.write('a', 1, 1, rate);
  table.write('a', 2, 2, rate);
  assert.equal(table.size, 1);
  assert.equal(table.read('a')?.used, 2);
});

test('sweeps drop what is full again and nothing else', () => {
  const table = new BucketTable(1_000, 4);
  for (let i = 1; i <= 100; i++) table.write(`bucket ${i}`, i * 100, 0, rate);
  for (let i = 0; i < 4; i++) table.sweep(500);
  // 10 units come back each millisecond: in use at 500 is what was above 5,000.
  assert.equal(table.size, 50);
  assert.equal(table.read('bucket 50'), null);
  assert.equal(table.read('bucket 51')?.used, 5_100);
});

test('places that have become free are used again', () => {
  const table = new BucketTable(64, 1);
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 64; i++) table.write(`${round} ${i}`, 1, round * 10, rate);
    table.sweep(round * 10 + 5);
    assert.equal(table.size, 0);
  }
  for (let i = 0; i < 64; i++) table.write(`last ${i}`, i + 1, 5_000, rate);
  for (let i = 0; i < 64; i++) assert.equal(table.read(`last ${i}`)?.used, i + 1);
});

test('there are never more buckets than there may be, however many ask', () => {
  const table = new BucketTable(1_024, 8);
  for (let i = 0; i < 100_000; i++) judge([rule], [`client ${i}`], table, 1_000);
  assert.ok(table.size <= 1_024, `${table.size}`);
});

test('in a flood of new clients those who have used up their limit are not forgotten', () => {
  const table = new BucketTable(1_024, 8);
  const heavy = Array.from({ length: 100 }, (_, i) => `heavy ${i}`);
  for (const [n, name] of heavy.entries()) {
    for (let i = 0; i < 10; i++) judge([rule], [name], table, 1_000);
    for (let i = 0; i < 10; i++) judge([rule], [`first ${n} ${i}`], table, 1_000);
  }
  for (let i = 0; i < 50_000; i++) judge([rule], [`passer-by ${i}`], table, 1_000);
  const forgotten = heavy.filter((name) => table.read(name) === null);
  assert.deepEqual(forgotten, []);
});

test('does what a plain Map would do, as long as there is room', () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    used: fc.integer({ min: 1, max: 10_000 }),
    sweep: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const table = new BucketTable(100, 3);
      const map = new Map<string, { used: number; at: number }>();
      steps.forEach(({ name, used, sweep }, i) => {
        const at = i * 100;
        table.write(name, used, at, rate);
        map.set(name, { used, at });
        if (sweep) for (let shard = 0; shard < 3; shard++) table.sweep(at);
        for (const [kept, state] of map) if (sweep && state.at + state.used / rate.max <= at) map.delete(kept);
        assert.equal(table.size, map.size);
        for (const [kept, state] of map) assert.equal(table.read(kept)?.used, state.used);
      });
    }),
  );
});
