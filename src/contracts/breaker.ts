/** Circuit breakers: as the tries at an upstream see them, and what workers are told about them. */
import type { Exchange } from './exchange.ts';
import type { Maybe } from './maybe.ts';
import type { Refusal } from './refusal.ts';
import type { TryOutcome } from './upstream.ts';

/** `probe`: the one try whose outcome decides whether a half-open circuit closes. */
export type Permit = 'counted' | 'probe';

export interface Breaker {
  /**
   * Asked before each try. Null: the circuit is open. Every permit gets exactly one `record`. In shadow mode there always
   * is one, and `x.shadow` tells of those that there would not have been.
   */
  allow(x: Exchange, now: number): Maybe<Permit | null>;
  /** `status` of the answer; 0 without one. */
  record(permit: Permit, outcome: TryOutcome, status: number): void;
  /** Neither takes a permit nor notes anything: whether a retry is worth waiting for. */
  isOpen(now: number): boolean;
  /** What the client gets while the circuit is open, with the time until it may not be. */
  refuse(now: number): Refusal;
}

export type CircuitState = 'closed' | 'half-open' | 'open';

/** What the supervisor tells the workers, and nodes each other. */
export interface BreakerChange {
  /** Names the upstream: see upstreamKey in src/core. */
  readonly key: string;
  readonly state: CircuitState;
  /** How long it still stays open, ms; 0 unless it is. */
  readonly openForMs: number;
}
