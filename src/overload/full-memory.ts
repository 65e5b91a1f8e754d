/**
 * When a worker's memory is a reason to replace it: it has been so full for so long that `normal` requests are turned away,
 * although garbage was collected and no more work was let in. What is left is what nobody gives back. Pure.
 */
import { shedFrom } from './level.ts';

const fullForMs = 10_000;

export class FullMemory {
  #since = Number.POSITIVE_INFINITY;

  /** A look at the pressure of memory. True once for each `fullForMs` in which no look was below the bound. Monotonic ms. */
  note(pressure: number, now: number): boolean {
    if (pressure < shedFrom.normal) {
      this.#since = Number.POSITIVE_INFINITY;
      return false;
    }
    if (this.#since === Number.POSITIVE_INFINITY) this.#since = now;
    if (now - this.#since < fullForMs) return false;
    this.#since = now;
    return true;
  }
}
