/** Counts the tries that failed in a row at a target, as this worker sees them. Whether it gets a rest is decided for the node. */
import type { TryOutcome } from '../contracts/upstream.ts';

export class FailureCount {
  readonly #allowed: number;
  readonly #onFailing: () => void;
  #inRow = 0;

  /** `onFailing`: so many have failed in a row; called again after as many more. */
  constructor(allowed: number, onFailing: () => void) {
    this.#allowed = allowed;
    this.#onFailing = onFailing;
  }

  note(outcome: TryOutcome): void {
    // Who left says nothing about the target.
    if (outcome === 'canceled') return;
    this.#inRow = outcome === 'success' ? 0 : this.#inRow + 1;
    if (this.#inRow < this.#allowed) return;
    this.#inRow = 0;
    this.#onFailing();
  }

  reset(): void {
    this.#inRow = 0;
  }
}
