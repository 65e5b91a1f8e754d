/**
 * The course of an exchange over its tries: which upstream is asked, how often still, and what each try has to return when
 * it ends. Whatever is taken here (a place in the budget, a grant, a permit) is given back exactly once.
 */
import { performance } from 'node:perf_hooks';
import type { Breaker, Permit } from '../contracts/breaker.ts';
import type { CompiledRoute, ForwardAction } from '../contracts/compiled.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Maybe } from '../contracts/maybe.ts';
import type { RetryBudget, RetryGrant } from '../contracts/retry.ts';
import type { NoTarget, Target, TryOutcome, Upstream } from '../contracts/upstream.ts';
import { backoffMs } from './backoff.ts';
import type { ForwardClock } from './clock.ts';
import { type FailedTry, isWorthRetry } from './failed-try.ts';
import type { OutgoingBody } from './outgoing-body.ts';

export class Course {
  upstream: Upstream;
  readonly #x: Exchange;
  readonly #fallback: Upstream | null;
  /** Where tries at this upstream have failed. */
  #tried: readonly Target[] = nowhere;
  #retriesLeft = 0;
  #budget: RetryBudget | null = null;
  #grant: RetryGrant | null = null;
  #permit: Permit | null = null;

  constructor(x: Exchange) {
    this.#x = x;
    this.upstream = x.upstream as Upstream;
    this.#fallback = ((x.route as CompiledRoute).action as ForwardAction).fallback;
    this.#enter();
  }

  /** So much of a streamed body may be wanted again; -1: nothing will be. */
  get keepBytes(): number {
    if (!this.#mayGoOn) return -1;
    const { methods, maxBodyBytes } = this.upstream.retry;
    return methods.has(this.#x.head.method) ? maxBodyBytes : 0;
  }

  /** Tries at this upstream have failed. */
  get isRetry(): boolean {
    return this.#tried.length > 0;
  }

  /** An answer of this status is one that another try may mend. */
  isFailure(status: number): boolean {
    return status >= 400 && this.#mayGoOn && this.upstream.retry.statuses.has(status);
  }

  /** A permit for the next try is held when this is true. */
  allow(now: number): Maybe<boolean> {
    const { breaker } = this.upstream;
    if (breaker === null) return true;
    const permit = breaker.allow(this.#x, now);
    if (permit instanceof Promise) return this.#awaitPermit(permit);
    this.#permit = permit;
    return permit !== null;
  }

  /** Where the next try goes. */
  pick(): Target | NoTarget {
    const target = this.upstream.pick(this.#x, this.#tried);
    if (typeof target !== 'string') this.#x.target = target;
    return target;
  }

  /** Once for every try. `hasBegun`: it got a connection. */
  tryEnded(outcome: TryOutcome, status: number, hasBegun: boolean): void {
    if (this.#permit !== null) (this.upstream.breaker as Breaker).record(this.#permit, outcome, status);
    this.#permit = null;
    this.#returnGrant(hasBegun);
  }

  /** How long to wait before the next try; null: there is none at this upstream. */
  waitBeforeRetry(failed: FailedTry, body: OutgoingBody, clock: ForwardClock, now: number): number | null {
    const { retry, breaker } = this.upstream;
    if (this.#retriesLeft === 0 || !isWorthRetry(retry, failed) || !this.#mayRepeat(failed, body)) return null;
    if (breaker?.isOpen(now)) return null;
    const count = retry.attempts - this.#retriesLeft + 1;
    const waitMs = failed.retryAfterMs + backoffMs(retry.backoff, count, Math.random());
    return clock.hasTimeFor(now, waitMs) ? waitMs : null;
  }

  /** One more try is within the budget when this is true: to be followed by `retry`, or `end`. */
  takeGrant(now: number): Maybe<boolean> {
    const grant = (this.#budget as RetryBudget).take(now);
    if (grant instanceof Promise) return this.#awaitGrant(grant);
    this.#grant = grant;
    return grant !== null;
  }

  retry(): void {
    this.#retriesLeft--;
    this.#tried = [...this.#tried, this.#x.target as Target];
  }

  /** Turns to the fallback upstream, if there is one and it may be asked. `failed` null: nothing has been sent to this one. */
  fallBack(failed: FailedTry | null, body: OutgoingBody): boolean {
    if (!this.#hasFallback || (failed !== null && !this.#mayRepeat(failed, body))) return false;
    this.end();
    this.#leavePlace();
    this.#x.fallbackFor = this.upstream.name;
    this.upstream = this.#fallback as Upstream;
    this.#x.upstream = this.upstream;
    this.#tried = nowhere;
    this.#enter();
    return true;
  }

  /** It is no longer a request in flight, and what it still holds goes back. May be called again. */
  end(): void {
    this.tryEnded('canceled', 0, false);
    this.#budget?.end();
    this.#budget = null;
  }

  get #mayGoOn(): boolean {
    return this.#retriesLeft > 0 || this.#hasFallback;
  }

  get #hasFallback(): boolean {
    return this.#fallback !== null && this.#x.fallbackFor === '' && this.upstream !== this.#fallback;
  }

  #enter(): void {
    const { retry, budget } = this.upstream;
    this.#retriesLeft = retry.attempts;
    this.#budget = budget;
    budget?.begin(performance.now());
  }

  /** The upstream has no part in what its fallback does. */
  #leavePlace(): void {
    const { place, route } = this.#x;
    if (place === null) return;
    this.#x.place = null;
    place.leave((route as CompiledRoute).priority, performance.now());
  }

  /** What never went out may be sent by any method; what did may have been acted on. */
  #mayRepeat(failed: FailedTry, body: OutgoingBody): boolean {
    return body.isRepeatable && (!failed.sent || this.upstream.retry.methods.has(this.#x.head.method));
  }

  async #awaitPermit(asked: Promise<Permit | null>): Promise<boolean> {
    this.#permit = await asked;
    return this.#permit !== null;
  }

  async #awaitGrant(asked: Promise<RetryGrant | null>): Promise<boolean> {
    this.#grant = await asked;
    return this.#grant !== null;
  }

  #returnGrant(wasUsed: boolean): void {
    if (this.#grant !== null) (this.upstream.budget as RetryBudget).giveBack(this.#grant, wasUsed);
    this.#grant = null;
  }
}

const nowhere: readonly Target[] = [];
