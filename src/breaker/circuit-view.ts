/** A circuit as a worker sees it: what the supervisor has said last, and the worker's part in half-open times. */
import { performance } from 'node:perf_hooks';
import type { BreakerChange, CircuitState } from '../contracts/breaker.ts';
import type { PermitOutcome, PermitSource } from '../contracts/permits.ts';

/** After a refusal the supervisor is not asked again for so long, ms: it tells when something changes. */
const askAgainMs = 50;

export type ProbeAnswer = 'probe' | 'pass' | 'refused';

export class CircuitView {
  readonly key: string;
  readonly #permits: PermitSource;
  #state: CircuitState = 'closed';
  #openUntil = 0;
  #isAsking = false;
  #askAgainAt = 0;

  constructor(key: string, permits: PermitSource) {
    this.key = key;
    this.#permits = permits;
  }

  adopt({ state, openForMs }: BreakerChange): void {
    this.#state = state;
    this.#openUntil = performance.now() + openForMs;
    this.#askAgainAt = 0;
  }

  isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** It may be worth asking for the probe. */
  mayProbe(now: number): boolean {
    return (this.#state === 'half-open' || now >= this.#openUntil) && !this.#isAsking && now >= this.#askAgainAt;
  }

  /** Until it may be another matter, ms; 0: that can't be said. */
  openForMs(now: number): number {
    return this.#state === 'open' ? Math.max(0, this.#openUntil - now) : 0;
  }

  /** `pass`: the supervisor does not answer. Then one at a time may go, or an upstream that is well again would stay cut off. */
  async askForProbe(): Promise<ProbeAnswer> {
    this.#isAsking = true;
    const answer = await this.#permits.ask('probe', this.key, 0);
    this.#isAsking = false;
    if (answer === 'granted') return 'probe';
    if (answer === 'late') return 'pass';
    this.#askAgainAt = performance.now() + askAgainMs;
    return 'refused';
  }

  probeEnded(outcome: PermitOutcome): void {
    this.#permits.giveBack('probe', this.key, outcome);
  }
}
