/**
 * Time in which this process ran. While its event loop is held up, an answer may have come and nobody reads it: that is
 * not the fault of who answered. Looked at in small steps; of a longer gap only `maxGapMs` counts.
 */
export class RunningTime {
  readonly #maxGapMs: number;
  #ranMs = 0;
  #seenAt: number;

  constructor(maxGapMs: number, now: number) {
    this.#maxGapMs = maxGapMs;
    this.#seenAt = now;
  }

  /** Milliseconds so far. */
  at(now: number): number {
    return this.#ranMs + this.#since(now);
  }

  /** To be called in each step, while somebody measures. */
  step(now: number): void {
    this.#ranMs += this.#since(now);
    this.#seenAt = now;
  }

  #since(now: number): number {
    return Math.min(Math.max(0, now - this.#seenAt), this.#maxGapMs);
  }
}
