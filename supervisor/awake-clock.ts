/**
 * Time in which this process has been running. A suspended machine, SIGSTOP or a starved CPU stop it as well as the
 * workers: measured with it, nobody is late who had no chance to be on time.
 */

const tickMs = 250;
/** A tick that comes later than this followed a gap, of which nothing is counted but this much. */
const gapMs = 1000;

export class AwakeClock {
  readonly #readMs: () => number;
  readonly #listeners = new Set<(tick: Tick) => void>();
  #lastTickAt: number;
  #awakeMs = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(readMs: () => number = () => performance.now()) {
    this.#readMs = readMs;
    this.#lastTickAt = readMs();
  }

  start(): void {
    this.#timer ??= setInterval(() => this.tick(), tickMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Awake milliseconds up to the last tick. */
  now(): number {
    return this.#awakeMs;
  }

  /** Called a few times a second; by hand only in tests. */
  tick(): void {
    const at = this.#readMs();
    const elapsed = at - this.#lastTickAt;
    this.#lastTickAt = at;
    this.#awakeMs += Math.min(elapsed, gapMs);
    const tick = { now: this.#awakeMs, afterGap: elapsed > gapMs };
    for (const listener of this.#listeners) listener(tick);
  }

  /** Returns the function that ends it. */
  onTick(listener: (tick: Tick) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back once, after at least this much awake time. Returns the function that cancels it. */
  after(ms: number, callback: () => void): () => void {
    // The last tick may be a while ago.
    const due = this.#awakeMs + Math.min(this.#readMs() - this.#lastTickAt, gapMs) + ms;
    const cancel = this.onTick(({ now, afterGap }) => {
      // What arrived during a gap is read only after this tick.
      if (now < due || afterGap) return;
      cancel();
      callback();
    });
    return cancel;
  }
}

export interface Tick {
  readonly now: number;
  readonly afterGap: boolean;
}
