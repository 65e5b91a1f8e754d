/** The heap of a worker stays within the worker's share of the memory, unless the operator wants it otherwise. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { AwakeClock } from '../../../supervisor/awake-clock.ts';
import { heapFlags } from '../../../supervisor/worker-heap.ts';
import { WorkerProcess } from '../../../supervisor/worker-process.ts';

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

test('a worker is started with it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-heap-'));
  after(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'worker.mjs');
  writeFileSync(program, 'process.send(process.execArgv, () => process.disconnect());');
  const flags = await new Promise<unknown>((resolve) => {
    new WorkerProcess({
      id: 1,
      slot: 1,
      // So many that no machine has memory for them.
      count: 100_000,
      program: pathToFileURL(program),
      clock: new AwakeClock(),
      onMessage: (_, message) => resolve(message),
    });
  });
  assert.ok(JSON.stringify(flags).includes('--max-old-space-size=48'), JSON.stringify(flags));
});
