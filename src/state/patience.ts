/** How long answers of Redis are waited for: 50 ms of the time in which this process ran, replies that have come read first. */
import { RunningTime } from './running-time.ts';

export const patienceMs = 50;
const stepMs = 5;
/** What of a gap between two steps counts: more than a busy event loop takes, less than a stall. */
const maxGapMs = 15;

/** An answer that is awaited. */
export interface Wait {
  /** Begun at this running time. */
  readonly begunAt: number;
  /** Called once, unless the wait has been ended before. */
  readonly onLate: () => void;
}

export class Patience {
  readonly #time = new RunningTime(maxGapMs, performance.now());
  /** In the order in which they began, but for those that go on from an earlier beginning. */
  readonly #waits = new Set<Wait>();
  #timer: NodeJS.Timeout | null = null;

  /** The beginning of a wait, or of several in a row that must not take longer together. */
  begin(): number {
    return this.#time.at(performance.now());
  }

  wait(begunAt: number, onLate: () => void): Wait {
    const wait = { begunAt, onLate };
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
    // Late is who would be beyond the limit in the next step.
    const latestBeginning = this.#time.at(performance.now()) + stepMs - patienceMs;
    for (const wait of this.#waits) {
      if (wait.begunAt > latestBeginning) continue;
      this.#waits.delete(wait);
      wait.onLate();
    }
    this.#timer = null;
    if (this.#waits.size > 0) this.#step();
  }
}
