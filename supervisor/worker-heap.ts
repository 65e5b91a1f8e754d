/**
 * How large V8's heap may grow in a worker. By itself V8 allows each process up to 256 MB however small the container
 * is, and up to half of a larger one: with several workers the kernel would end one before V8 thought of collecting.
 */
import { getHeapStatistics } from 'node:v8';
import { readMemoryLimit, workerShareBytes } from '../src/core/container.ts';

/** The rest of a worker's share is for buffers outside of the heap, and for what V8 needs to collect. */
const heapShare = 0.75;

/** Flags for node, none where V8's own limit is the smaller one, or where the operator has set one. */
export function heapFlags(
  workers: number,
  memoryBytes = readMemoryLimit(),
  defaultBytes = getHeapStatistics().heap_size_limit,
  options = `${process.env['NODE_OPTIONS'] ?? ''} ${process.execArgv.join(' ')}`,
): string[] {
  const heapBytes = heapShare * workerShareBytes(memoryBytes, workers);
  if (heapBytes >= defaultBytes || /--max[-_]old[-_]space/.test(options)) return [];
  return [`--max-old-space-size=${Math.floor(heapBytes / 1024 ** 2)}`];
}
