/** What governs the tries at each upstream in this worker, and its talk with the supervisor about it. */
import type { UpstreamConfig } from '../src/contracts/config.ts';
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

  constructor(send: (message: ToSupervisor) => void) {
    this.#permits = new NodePermits(send);
    this.#report = new TryReport(send);
  }

  of(settings: UpstreamConfig): TryPolicies {
    const { retries } = settings;
    return {
      retry: compileRetryRule(retries),
      budget: retries.attempts === 0 ? null : this.#openBudget(upstreamKey(settings), retries.budget),
      breaker: null,
    };
  }

  receive(message: Extract<ToWorker, { type: 'permit:answer' }>): void {
    this.#permits.receive(message);
  }

  #openBudget(key: string, share: number): SharedRetryBudget {
    const row = new TryRow(key);
    const sharedChanged = (count: number, room: number): void => this.#report.noteRetrying(row, count, room);
    return new SharedRetryBudget({ key, share, permits: this.#permits, sharedChanged });
  }
}
