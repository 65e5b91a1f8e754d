/** The heap of a worker stays within the worker's share of the memory, unless the operator wants it otherwise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heapFlags } from '../../../supervisor/worker-heap.ts';

const mb = 1024 ** 2;

test('a small container makes the heap smaller than V8 would', () => {
  assert.deepEqual(heapFlags(1, 256 * mb, 259 * mb, ''), ['--max-old-space-size=87']);
});

test('workers share the memory of the container', () => {
  assert.deepEqual(heapFlags(4, 1124 * mb, 560 * mb, ''), ['--max-old-space-size=162']);
});

test('where memory is plenty, V8 keeps its own limit', () => {
  assert.deepEqual(heapFlags(2, 32_768 * mb, 4288 * mb, ''), []);
});

test('too many workers for the memory still get a heap that they can start with', () => {
  assert.deepEqual(heapFlags(8, 256 * mb, 259 * mb, ''), ['--max-old-space-size=48']);
});

test('a limit that the operator has set stays', () => {
  assert.deepEqual(heapFlags(1, 256 * mb, 2048 * mb, '--max-old-space-size=2000'), []);
  assert.deepEqual(heapFlags(1, 256 * mb, 2048 * mb, '--trace-gc --max_old_space_size=2000'), []);
});
