/**
 * Buckets in memory, many of them. A bucket that is full is not kept, so the table holds those who asked lately. It never
 * holds more than it may: then a new bucket takes the place of one that would soon be full again.
 *
 * It is cut into shards because a Map that grows to a million entries stops the event loop for tens of milliseconds at a
 * time; shards grow, and are swept, one by one.
 */
import type { Rate } from '../contracts/limiter.ts';
import { BucketShard } from './bucket-shard.ts';
import type { BucketState, BucketStore } from './judge.ts';

export class BucketTable implements BucketStore {
  readonly #shards: readonly BucketShard[];
  #swept = 0;

  constructor(maxBuckets: number, shards: number) {
    this.#shards = Array.from({ length: shards }, () => new BucketShard(Math.ceil(maxBuckets / shards)));
  }

  get size(): number {
    return this.#shards.reduce((sum, { size }) => sum + size, 0);
  }

  read(bucket: string): Readonly<BucketState> | null {
    return this.#shardOf(bucket).read(bucket);
  }

  write(bucket: string, used: number, at: number, rate: Rate): void {
    this.#shardOf(bucket).write(bucket, used, at, rate);
  }

  /** Drops the full buckets of the next shard: to be called again and again, as long as there is something in the table. */
  sweep(now: number): void {
    this.#swept = (this.#swept + 1) % this.#shards.length;
    this.#shards[this.#swept]?.sweep(now);
  }

  #shardOf(bucket: string): BucketShard {
    let hash = 0;
    for (let i = 0; i < bucket.length; i++) hash = (Math.imul(hash, 31) + bucket.charCodeAt(i)) | 0;
    return this.#shards[((hash ^ (hash >>> 15)) >>> 0) % this.#shards.length] as BucketShard;
  }
}
