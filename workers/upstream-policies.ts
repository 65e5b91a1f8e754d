/** What governs the tries at each upstream in this worker, and its talk with the supervisor about it. */
import { UpstreamBreaker } from '../src/breaker/breaker.ts';
import { CircuitView } from '../src/breaker/circuit-view.ts';
import type { CircuitBreakerConfig, Config, UpstreamConfig } from '../src/contracts/config.ts';
import type { ToSupervisor, ToWorker } from '../src/contracts/ipc.ts';
import type { TryPolicies } from '../src/contracts/upstream.ts';
import { upstreamKey } from '../src/core/upstream-key.ts';
import { SharedRetryBudget } from '../src/forward/retry-budget.ts';
import { compileRetryRule } from '../src/forward/retry-rule.ts';
import { NodePermits } from '../src/ipc/node-permits.ts';
import { TryReport, TryRow } from '../src/ipc/try-report.ts';

export class UpstreamPolicies {
  readonly #permits: NodePermits;
  readonly #report: TryReport;
  /** By the upstream's key: they outlive settings, as the circuits in the supervisor do. */
  readonly #circuits = new Map<string, CircuitView>();

  constructor(send: (message: ToSupervisor) => void) {
    this.#permits = new NodePermits(send);
    this.#report = new TryReport(send);
  }

  of(settings: UpstreamConfig): TryPolicies {
    const { retries, circuitBreaker } = settings;
    const row = new TryRow(upstreamKey(settings));
    return {
      retry: compileRetryRule(retries),
      budget: retries.attempts === 0 ? null : this.#openBudget(row, retries.budget),
      breaker: circuitBreaker?.enabled === true ? this.#openBreaker(row, circuitBreaker) : null,
    };
  }

  /** Forgets the circuits of upstreams that none of these configs names. */
  keepOnly(configs: readonly Config[]): void {
    const wanted = new Set(configs.flatMap(({ upstreams }) => upstreams.map(upstreamKey)));
    for (const key of this.#circuits.keys()) if (!wanted.has(key)) this.#circuits.delete(key);
  }

  receive(message: Extract<ToWorker, { type: 'permit:answer' | 'breaker:changed' }>): void {
    if (message.type === 'permit:answer') this.#permits.receive(message);
    else this.#circuits.get(message.change.key)?.adopt(message.change);
  }

  #openBudget(row: TryRow, share: number): SharedRetryBudget {
    const sharedChanged = (count: number, room: number): void => this.#report.noteRetrying(row, count, room);
    return new SharedRetryBudget({ key: row.key, share, permits: this.#permits, sharedChanged });
  }

  #openBreaker(row: TryRow, settings: CircuitBreakerConfig): UpstreamBreaker {
    const circuit = this.#circuits.get(row.key) ?? new CircuitView(row.key, this.#permits);
    this.#circuits.set(row.key, circuit);
    return new UpstreamBreaker(settings, circuit, (isFailure) => this.#report.noteTry(row, isFailure));
  }
}
