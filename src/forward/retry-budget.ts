/**
 * Retries may be a share of the requests in flight, and a few on the whole node in any case. Each request earns its share
 * of a retry, and each retry spends one: so they stay few however soon they fail. What a worker has not earned may be one
 * of the node's few, for which the supervisor is asked; it grants none where the share itself has room for as many.
 */
import { performance } from 'node:perf_hooks';
import type { Maybe } from '../contracts/maybe.ts';
import type { PermitSource } from '../contracts/permits.ts';
import type { RetryBudget, RetryGrant } from '../contracts/retry.ts';
import { retryFloor } from '../core/retry-floor.ts';
import { RecentPeak } from './recent-peak.ts';

/** After a refusal the supervisor is not asked again for so long, ms: there may be thousands who would like to know. */
const askAgainMs = 10;
/** Sums of shares fall short of whole numbers by rounding. */
const rounding = 1e-9;

export interface BudgetOptions {
  readonly key: string;
  /** 0 to 1 */
  readonly share: number;
  readonly permits: PermitSource;
  /**
   * Hears how many retries are under way by the worker's own share, and how many there is room for in it, as a fraction.
   */
  readonly sharedChanged: (count: number, room: number) => void;
}

export class SharedRetryBudget implements RetryBudget {
  readonly #options: BudgetOptions;
  #inFlight = 0;
  /** How busy it has been: what clients of a quick upstream send at once is not in flight at every moment. */
  readonly #peak = new RecentPeak();
  /** Under way by the worker's own share. */
  #shared = 0;
  /** What requests have earned and retries have not spent. */
  #credit = 0;
  #askAgainAt = 0;
  /** For how many there is room at its busiest, as of the last `take`: what the supervisor is told. */
  #room = 0;

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  begin(now: number): void {
    this.#inFlight++;
    this.#peak.note(this.#inFlight, now);
    // A quiet time must not save up for a storm: at most what is in flight now has earned.
    this.#credit = Math.min(this.#credit + this.#options.share, this.#mostShared());
  }

  end(): void {
    this.#inFlight--;
  }

  take(now: number): Maybe<RetryGrant | null> {
    this.#room = this.#options.share * this.#peak.read(now);
    if (this.#shared + 1 <= this.#mostShared() + rounding && this.#credit + rounding >= 1) {
      this.#credit -= 1;
      this.#setShared(this.#shared + 1);
      return 'share';
    }
    if (this.#room >= retryFloor || now < this.#askAgainAt) return null;
    return this.#askForOne();
  }

  giveBack(grant: RetryGrant, wasUsed: boolean): void {
    if (!wasUsed) this.#credit = Math.min(this.#credit + 1, this.#mostShared());
    if (grant === 'share') this.#setShared(this.#shared - 1);
    else this.#options.permits.giveBack('retry', this.#options.key, 'canceled');
  }

  async #askForOne(): Promise<RetryGrant | null> {
    const { permits, key } = this.#options;
    if ((await permits.ask('retry', key, this.#room)) === 'granted') {
      // When there is more to do these count like the others; what a quiet time has used is soon paid.
      this.#credit = Math.max(this.#credit - 1, -retryFloor);
      return 'floor';
    }
    this.#askAgainAt = performance.now() + askAgainMs;
    return null;
  }

  #mostShared(): number {
    return Math.max(1, this.#options.share * this.#inFlight);
  }

  #setShared(count: number): void {
    this.#shared = count;
    this.#options.sharedChanged(count, this.#room);
  }
}
