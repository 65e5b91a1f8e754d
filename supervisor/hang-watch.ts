/** Which worker's event loop has stopped: it has been silent for 10 s although it was pinged, and the supervisor itself ran all that time. */
import type { Tick } from './awake-clock.ts';

const silenceMs = 10_000;
export const pingEveryMs = 1000;

export class HangWatch<W> {
  readonly #heardAt = new Map<W, number>();
  #pingedAt = Number.NEGATIVE_INFINITY;

  watch(worker: W, now: number): void {
    this.#heardAt.set(worker, now);
  }

  unwatch(worker: W): void {
    this.#heardAt.delete(worker);
  }

  /** Any message will do: its loop has turned. */
  heard(worker: W, now: number): void {
    if (this.#heardAt.has(worker)) this.#heardAt.set(worker, now);
  }

  /** True once a second: ping them all. */
  shouldPing({ now }: Tick): boolean {
    if (now - this.#pingedAt < pingEveryMs) return false;
    this.#pingedAt = now;
    return true;
  }

  /** The worker that has been silent for longest, if that is too long. */
  findHung({ now, afterGap }: Tick): W | null {
    if (afterGap) {
      // Nobody's silence is known across a gap: all begin anew.
      for (const worker of this.#heardAt.keys()) this.#heardAt.set(worker, now);
      return null;
    }
    let hung: W | null = null;
    let earliest = now - silenceMs;
    for (const [worker, heardAt] of this.#heardAt) {
      if (heardAt > earliest) continue;
      earliest = heardAt;
      hung = worker;
    }
    return hung;
  }
}
