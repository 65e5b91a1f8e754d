/**
 * Who keeps the buckets of `backend: memory`: one process for all workers, so that a limit holds over the whole node, also
 * when there is only one worker, since it outlives each of them. Nothing here knows the config: an ask brings the numbers
 * of its rules along, and a bucket is found again by its name.
 */
import type { AsksMessage, ToWorker } from '../src/contracts/ipc.ts';
import type { LimitRule } from '../src/contracts/limiter.ts';
import { judgeAsks } from '../src/limit/asks.ts';
import { carryOver, usedNow } from '../src/limit/bucket.ts';
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

  /** What is in use of each rule's bucket. `whose`: as in src/limit/bucket-keys.ts. */
  look(rules: readonly LimitRule[], whose: string): number[] {
    const now = Math.floor(this.#now());
    return rules.map((rule) => {
      const state = this.#buckets.read(`${rule.id}|${whose}`);
      return state === null ? 0 : usedNow(carryOver(state.used, state.windowMs, rule), state.at, rule, now);
    });
  }

  /** Those that are full are not kept: the next sweep takes them away. */
  refill(rules: readonly LimitRule[], whose: string): void {
    const now = Math.floor(this.#now());
    for (const rule of rules) {
      const bucket = `${rule.id}|${whose}`;
      if (this.#buckets.read(bucket) !== null) this.#buckets.write(bucket, 0, now, rule);
    }
  }

  #sweep(): void {
    this.#buckets.sweep(Math.floor(this.#now()));
    if (this.#buckets.size > 0 || this.#sweeps === null) return;
    clearInterval(this.#sweeps);
    this.#sweeps = null;
  }
}
