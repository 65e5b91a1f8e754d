/** How long answers of Redis are waited for: 50 ms of the time in which this process ran, replies that have come read first. */
import { RunningTime } from './running-time.ts';

export const patienceMs = 50;
const stepMs = 5;
/** What of a gap between two steps counts: more than a busy event loop takes, less than a stall. */
const maxGapMs = 15;

/** An answer that is awaited. */
export interface Wait {
  /** In running time. */
  readonly dueAt: number;
  readonly onLate: () => void;
}

export class Patience {
  readonly #time = new RunningTime(maxGapMs, performance.now());
  readonly #waits = new Set<Wait>();
  #timer: NodeJS.Timeout | null = null;

  /** `onLate` is called once, unless the wait is ended before. */
  wait(onLate: () => void, ms = patienceMs): Wait {
    const wait = { dueAt: this.#time.at(performance.now()) + ms, onLate };
    this.#waits.add(wait);
    if (this.#timer === null) this.#step();
    return wait;
  }

  end(wait: Wait): void {
    this.#waits.delete(wait);
  }

  #step(): void {
    this.#time.step(performance.now());
    this.#timer = setTimeout(() => {
      this.#time.step(performance.now());
      // Timers run before sockets are read, immediates after.
      setImmediate(() => this.#look());
    }, stepMs);
  }

  #look(): void {
    // Late is who would be beyond the limit at the next step.
    const nextAt = this.#time.at(performance.now()) + stepMs;
    for (const wait of this.#waits) {
      if (wait.dueAt > nextAt) continue;
      this.#waits.delete(wait);
      wait.onLate();
    }
    this.#timer = null;
    if (this.#waits.size > 0) this.#step();
  }
}
