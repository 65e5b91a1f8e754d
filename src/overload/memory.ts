/**
 * How near a worker is to the most memory that it may hold: V8's heap and the buffers beside it, against its share of
 * the container. Garbage is no load: before anybody is turned away for it, it is collected.
 */
import { getHeapStatistics } from 'node:v8';
import { collectGarbage } from '../core/collect-garbage.ts';
import { shedFrom } from './level.ts';

/** What V8 tells, in about 2 µs; `process.memoryUsage` takes seven times as long, and asks the kernel. */
export interface HeapFacts {
  readonly heapBytes: number;
  /** Buffers and other memory that objects of the heap hold outside of it. */
  readonly externalBytes: number;
  /** At this size of its heap V8 ends the process, however much memory the container has. */
  readonly heapLimitBytes: number;
}

export interface MemoryOptions {
  readonly read: () => HeapFacts;
  readonly collect: () => void;
  /** Monotonic ms. */
  readonly clock: () => number;
}

/** A collection stops the worker: at most this share of the time goes into it, and one a second. */
const collectingShare = 0.05;
const betweenCollectionsMs = 1_000;

export class MemoryWatch {
  readonly #options: MemoryOptions;
  #collectAgainAt = Number.NEGATIVE_INFINITY;

  constructor(options: MemoryOptions = realMemory) {
    this.#options = options;
  }

  /** Of the most that the worker may hold. `shareBytes`: all memory that it could have; `maxShare`: how much of that it may use, 0: no limit. */
  pressure(shareBytes: number, maxShare: number): number {
    if (maxShare === 0) return 0;
    const { clock, collect } = this.#options;
    const pressure = this.#pressureNow(shareBytes, maxShare);
    const startedAt = clock();
    if (pressure < shedFrom.low || startedAt < this.#collectAgainAt) return pressure;
    collect();
    const now = clock();
    this.#collectAgainAt = now + Math.max(betweenCollectionsMs, (now - startedAt) / collectingShare);
    return this.#pressureNow(shareBytes, maxShare);
  }

  #pressureNow(shareBytes: number, maxShare: number): number {
    const { heapBytes, externalBytes, heapLimitBytes } = this.#options.read();
    return Math.max((heapBytes + externalBytes) / shareBytes, heapBytes / heapLimitBytes) / maxShare;
  }
}

const realMemory: MemoryOptions = {
  read() {
    const { used_heap_size, external_memory, heap_size_limit } = getHeapStatistics();
    return { heapBytes: used_heap_size, externalBytes: external_memory, heapLimitBytes: heap_size_limit };
  },
  collect() {
    collectGarbage('major');
    // Buffers are given back in a thread of its own; the next collection waits for that.
    collectGarbage('minor');
  },
  clock: () => performance.now(),
};
