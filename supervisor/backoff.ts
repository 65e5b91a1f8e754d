/** How long a slot waits before it forks again: not at all after the first death, ever longer when its workers die young. */

/** A worker that lived this long had not died of its start. */
const youngMs = 10_000;
const firstDelayMs = 100;
const maxDelayMs = 5000;

export class Backoff {
  #youngDeaths = 0;

  /** A worker has died at this age. Returns the wait before its replacement: 0, 100, 200, 400 … 5000 ms. */
  delayAfterDeath(ageMs: number): number {
    this.#youngDeaths = ageMs < youngMs ? this.#youngDeaths + 1 : 0;
    if (this.#youngDeaths <= 1) return 0;
    return Math.min(maxDelayMs, firstDelayMs * 2 ** (this.#youngDeaths - 2));
  }
}
