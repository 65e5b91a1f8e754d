/** The breaker of an upstream, in a worker: lets tries pass while the circuit is closed, and says what counts as a failure. */
import type { Breaker, Permit } from '../contracts/breaker.ts';
import type { CircuitBreakerConfig } from '../contracts/config.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Maybe } from '../contracts/maybe.ts';
import type { PermitOutcome } from '../contracts/permits.ts';
import type { Refusal } from '../contracts/refusal.ts';
import type { TryOutcome } from '../contracts/upstream.ts';
import { refusal } from '../core/refusals.ts';
import type { CircuitView } from './circuit-view.ts';
import { compileFailOn, type FailOn } from './fail-on.ts';

export class UpstreamBreaker implements Breaker {
  readonly #circuit: CircuitView;
  readonly #isShadow: boolean;
  readonly #failOn: FailOn;
  readonly #report: (isFailure: boolean) => void;

  /** `report` hears of every try that says something about the upstream. */
  constructor(
    { mode, failOn }: Pick<CircuitBreakerConfig, 'mode' | 'failOn'>,
    circuit: CircuitView,
    report: (isFailure: boolean) => void,
  ) {
    this.#circuit = circuit;
    this.#isShadow = mode === 'shadow';
    this.#failOn = compileFailOn(failOn);
    this.#report = report;
  }

  allow(x: Exchange, now: number): Maybe<Permit | null> {
    if (this.#circuit.isClosed()) return 'counted';
    return this.#circuit.mayProbe(now) ? this.#probeOrRefuse(x) : this.#refuseOrNote(x);
  }

  record(permit: Permit, outcome: TryOutcome, status: number): void {
    const result = judge(this.#failOn, outcome, status);
    if (permit === 'probe') this.#circuit.probeEnded(result);
    else if (result !== 'canceled') this.#report(result === 'failure');
  }

  isOpen(_now: number): boolean {
    return !this.#isShadow && !this.#circuit.isClosed();
  }

  refuse(now: number): Refusal {
    const seconds = Math.max(1, Math.ceil(this.#circuit.openForMs(now) / 1_000));
    return refusal('circuit_open', 'the upstream keeps failing and is not asked for a while', [
      'Retry-After',
      String(seconds),
    ]);
  }

  async #probeOrRefuse(x: Exchange): Promise<Permit | null> {
    switch (await this.#circuit.askForProbe()) {
      case 'probe':
        return 'probe';
      case 'pass':
        return 'counted';
      case 'refused':
        return this.#refuseOrNote(x);
    }
  }

  #refuseOrNote(x: Exchange): Permit | null {
    if (!this.#isShadow) return null;
    if (!x.shadow.includes('circuit_open')) x.shadow = [...x.shadow, 'circuit_open'];
    return 'counted';
  }
}

/** `canceled`: it says nothing about the upstream. */
function judge(failOn: FailOn, outcome: TryOutcome, status: number): PermitOutcome {
  switch (outcome) {
    case 'success':
      return 'success';
    case 'server_error':
      return failOn.statuses.has(status) ? 'failure' : 'success';
    case 'unreachable':
    case 'reset':
    case 'timeout':
    case 'protocol_error':
      return failOn.outcomes.has(outcome) ? 'failure' : 'canceled';
    case 'blocked':
    case 'canceled':
      return 'canceled';
  }
}
