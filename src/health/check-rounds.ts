/** Asks every target that has a health check, each at its interval: one question at a time, and not all at once. */
import type { HealthCheckConfig } from '../contracts/config.ts';
import { longestTimerMs } from '../core/longest-timer.ts';

/** One target to ask. Two with the same identity are asked the same. */
export interface Checked {
  readonly identity: string;
  readonly check: HealthCheckConfig;
}

export interface CheckRoundsOptions<C extends Checked> {
  /** Null: it is well; else why not. Never rejects, and keeps to the check's timeout. */
  readonly ask: (target: C) => Promise<string | null>;
  readonly onAnswer: (target: C, problem: string | null) => void;
  /** 0 ≤ random() < 1 */
  readonly random: () => number;
}

/** The first question comes within this time, or the interval if that is shorter. */
const firstWithinMs = 1_000;
/** Intervals vary by so much in both directions, so that what begins together drifts apart. */
const jitter = 0.1;
/** Hundreds of targets are not asked in one burst, nor are all of them held open while they hang. */
const mostAtOnce = 64;

export class CheckRounds<C extends Checked> {
  readonly #options: CheckRoundsOptions<C>;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #targets = new Map<string, C>();
  /** Questions under way. */
  #open = 0;
  /** Whose time has come, and who has to wait for another's answer; first come, first served. */
  readonly #waiting = new Set<string>();

  constructor(options: CheckRoundsOptions<C>) {
    this.#options = options;
  }

  /** From now on these, and no others. Those that were asked already go on in their rhythm. */
  follow(targets: readonly C[]): void {
    const before = this.#targets;
    this.#targets = new Map(targets.map((target) => [target.identity, target]));
    for (const identity of before.keys()) {
      if (this.#targets.has(identity)) continue;
      clearTimeout(this.#timers.get(identity));
      this.#timers.delete(identity);
      this.#waiting.delete(identity);
    }
    for (const [identity, { check }] of this.#targets) {
      const { random } = this.#options;
      if (!before.has(identity)) this.#askIn(identity, random() * Math.min(check.intervalMs, firstWithinMs));
    }
  }

  #askIn(identity: string, ms: number): void {
    this.#timers.set(
      identity,
      setTimeout(() => {
        this.#waiting.add(identity);
        this.#askNext();
      }, ms),
    );
  }

  #askNext(): void {
    for (const identity of this.#waiting) {
      if (this.#open >= mostAtOnce) return;
      this.#waiting.delete(identity);
      void this.#ask(identity, this.#targets.get(identity) as C);
    }
  }

  async #ask(identity: string, target: C): Promise<void> {
    this.#open++;
    const timer = this.#timers.get(identity);
    const askedAt = performance.now();
    const problem = await this.#options.ask(target);
    this.#open--;
    this.#askNext();
    // Whoever was let go meanwhile, and perhaps taken up again, has another timer.
    if (this.#timers.get(identity) !== timer) return;
    this.#options.onAnswer(target, problem);
    const intervalMs = target.check.intervalMs * (1 - jitter + 2 * jitter * this.#options.random());
    const waitMs = Math.max(0, intervalMs - (performance.now() - askedAt));
    this.#askIn(identity, Math.min(waitMs, longestTimerMs));
  }
}
