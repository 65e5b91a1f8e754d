/** How many tries of the last while went well and how many failed: a ring of ten buckets, each a tenth of the time. */

const bucketCount = 10;

export class RollingWindow {
  readonly #bucketMs: number;
  readonly #good = new Float64Array(bucketCount);
  readonly #failed = new Float64Array(bucketCount);
  /** Number of the newest bucket, counted from the beginning of time. */
  #newest = 0;
  good = 0;
  failed = 0;

  constructor(windowMs: number) {
    this.#bucketMs = windowMs / bucketCount;
  }

  /** `now` never goes back. */
  add(good: number, failed: number, now: number): void {
    this.advance(now);
    const i = this.#newest % bucketCount;
    this.#good[i] = (this.#good[i] as number) + good;
    this.#failed[i] = (this.#failed[i] as number) + failed;
    this.good += good;
    this.failed += failed;
  }

  /** Forgets what has become too old. */
  advance(now: number): void {
    const newest = Math.floor(now / this.#bucketMs);
    const outdated = Math.min(newest - this.#newest, bucketCount);
    for (let i = 1; i <= outdated; i++) this.#drop((newest - outdated + i) % bucketCount);
    if (newest > this.#newest) this.#newest = newest;
  }

  clear(): void {
    for (let i = 0; i < bucketCount; i++) this.#drop(i);
  }

  #drop(i: number): void {
    this.good -= this.#good[i] as number;
    this.failed -= this.#failed[i] as number;
    this.#good[i] = 0;
    this.#failed[i] = 0;
  }
}
