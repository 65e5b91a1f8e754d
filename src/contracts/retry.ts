/** What may be tried again, and how often: the settings of an upstream as requests read them. */
import type { Maybe } from './maybe.ts';

export interface RetryRule {
  /** Tries after the first. */
  readonly attempts: number;
  readonly onConnect: boolean;
  readonly onReset: boolean;
  readonly onTimeout: boolean;
  /** Answers that count as a failed try. */
  readonly statuses: ReadonlySet<number>;
  /** Methods that may be repeated when the request has begun to go out; before that, any may. */
  readonly methods: ReadonlySet<string>;
  readonly backoff: Backoff;
  /** Of a body that does not arrive with its head so much is kept, to send it again. */
  readonly maxBodyBytes: number;
}

export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Who let a retry pass: the worker's own share of the requests in flight, or the node's few that are always allowed. */
export type RetryGrant = 'share' | 'floor';

/**
 * Keeps retries a small part of what an upstream gets: one for each upstream and worker. Each `begin` is followed by one
 * `end`, each grant by one `giveBack`.
 */
export interface RetryBudget {
  /** A request begins that may be tried again. */
  begin(now: number): void;
  end(): void;
  /** Whether one more retry may be under way; null: no. */
  take(now: number): Maybe<RetryGrant | null>;
  /** The retry is over. `wasUsed` false: nothing was sent, so that it costs nothing. */
  giveBack(grant: RetryGrant, wasUsed: boolean): void;
}
