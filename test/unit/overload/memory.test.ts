/** Memory is measured against the worker's share; garbage is collected before it counts, and not too often. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMemoryLimit } from '../../../src/core/container.ts';
import { MemoryWatch } from '../../../src/overload/memory.ts';

const mb = 1024 * 1024;

/** A heap of which `garbageMb` go with the next collection, which takes `collectMs`. */
function fakeHeap(facts: {
  liveMb?: number;
  buffersMb?: number;
  garbageMb?: number;
  limitMb?: number;
  collectMs?: number;
}) {
  const { liveMb = 0, buffersMb = 0, limitMb = 4096, collectMs = 10 } = facts;
  const heap = { garbageMb: facts.garbageMb ?? 0, collections: 0, now: 0 };
  const watch = new MemoryWatch({
    read: () => ({
      heapBytes: (liveMb + heap.garbageMb) * mb,
      externalBytes: buffersMb * mb,
      heapLimitBytes: limitMb * mb,
    }),
    collect() {
      heap.collections++;
      heap.now += collectMs;
      heap.garbageMb = 0;
    },
    clock: () => heap.now,
  });
  return { heap, pressure: () => watch.pressure(100 * mb, 0.5) };
}

test('heap and buffers count together, against what the worker may use of its share', () => {
  assert.equal(fakeHeap({ liveMb: 10, buffersMb: 15 }).pressure(), 0.5);
  assert.equal(fakeHeap({ liveMb: 10, buffersMb: 50 }).pressure(), 1.2);
});

test('the limit of V8’s heap counts when it is nearer than the share', () => {
  assert.equal(fakeHeap({ liveMb: 10, limitMb: 40 }).pressure(), 0.5);
});

test('garbage is collected before anybody is turned away for it', () => {
  const { heap, pressure } = fakeHeap({ liveMb: 10, garbageMb: 40 });
  assert.equal(pressure(), 0.2);
  assert.equal(heap.collections, 1);
});

test('below the first level nothing is collected', () => {
  const { heap, pressure } = fakeHeap({ liveMb: 10, garbageMb: 29 });
  assert.equal(pressure(), 0.78);
  assert.equal(heap.collections, 0);
});

test('collections take at most a twentieth of the time', () => {
  const { heap, pressure } = fakeHeap({ liveMb: 60, collectMs: 500 });
  for (; heap.now < 100_000; heap.now += 100) assert.equal(pressure(), 1.2);
  assert.ok(heap.collections >= 8 && heap.collections <= 11, String(heap.collections));
});

test('a quick collection is made at most once a second', () => {
  const { heap, pressure } = fakeHeap({ liveMb: 60, collectMs: 1 });
  for (; heap.now < 10_000; heap.now += 100) pressure();
  assert.ok(heap.collections >= 9 && heap.collections <= 10, String(heap.collections));
});

test('without a limit of memory there is no pressure', () => {
  const watch = new MemoryWatch();
  assert.equal(watch.pressure(1, 0), 0);
});

test('this process is far below the memory of its machine, and above that of a small one', () => {
  const watch = new MemoryWatch();
  assert.ok(watch.pressure(readMemoryLimit(), 1) < 0.8);
  const held = Buffer.alloc(32 * mb, 1);
  assert.ok(watch.pressure(33 * mb, 1) > 1);
  assert.equal(held[0], 1);
});

test('buffers that nobody holds any more are garbage', async () => {
  const watch = new MemoryWatch();
  await wasteMemory(150);
  assert.ok(watch.pressure(150 * mb, 1) < 0.8);
});

async function wasteMemory(count: number): Promise<void> {
  const buffers = Array.from({ length: count }, () => Buffer.alloc(mb, 1));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(buffers.length, count);
}
