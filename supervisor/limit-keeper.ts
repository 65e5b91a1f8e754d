/**
 * Who keeps the buckets of `backend: memory`: one process for all workers, so that a limit holds over the whole node, also
 * when there is only one worker, since it outlives each of them. Nothing here knows the config: an ask brings the numbers
 * of its rules along, and a bucket is found again by its name.
 */
import type { AsksMessage, ToWorker } from '../src/contracts/ipc.ts';
import { judgeAsks } from '../src/limit/asks.ts';
import { BucketTable } from '../src/limit/bucket-table.ts';

/** About 40 MB when all are in use (load/micro/limits.ts). */
const maxBuckets = 262_144;
const shards = 128;
/** A shard at a time, so that all are swept in a quarter of a minute, none for longer than a fraction of a millisecond. */
const sweepEveryMs = 100;

export class LimitKeeper {
  readonly #buckets = new BucketTable(maxBuckets, shards);
  /** Milliseconds of a clock that is never set. */
  readonly #now: () => number;
  #sweeps: NodeJS.Timeout | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#buckets.size;
  }

  answer(asks: AsksMessage): Extract<ToWorker, { type: 'admissions' }> {
    const levels = judgeAsks(asks, this.#buckets, Math.floor(this.#now()));
    this.#sweeps ??= setInterval(() => this.#sweep(), sweepEveryMs).unref();
    return { type: 'admissions', batch: asks.batch, levels };
  }

  #sweep(): void {
    this.#buckets.sweep(Math.floor(this.#now()));
    if (this.#buckets.size > 0 || this.#sweeps === null) return;
    clearInterval(this.#sweeps);
    this.#sweeps = null;
  }
}
