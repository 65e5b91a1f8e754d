/** The tries of an exchange, until one brings the answer that the client gets, or none is left. */
import { performance } from 'node:perf_hooks';
import type { Breaker } from '../contracts/breaker.ts';
import type { CompiledRoute, ForwardAction } from '../contracts/compiled.ts';
import type { Refusal } from '../contracts/refusal.ts';
import type { BodyObserver } from '../contracts/request-body.ts';
import type { Connection, Target, TryOutcome, TurnedAway } from '../contracts/upstream.ts';
import { gatewayOverloaded, upstreamBusy } from '../core/shed.ts';
import type { ForwardClock } from './clock.ts';
import { Course } from './course.ts';
import { type FailedTry, failedWith, failedWithout, type HeldAnswer } from './failed-try.ts';
import { classifyFailure, isIdempotent, noHealthyTarget, outcomeOf } from './failures.ts';
import type { ForwardJob } from './job.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { isFramedClearly } from './response-head.ts';
import { buildUpstreamRequest } from './upstream-request.ts';
import { type TryObserver, UpstreamTry } from './upstream-try.ts';

export interface TriesOwner extends TryObserver, BodyObserver {
  /** This answer is the client's. The rest of it comes from its try to the owner. */
  passOn(answer: HeldAnswer): void;
  /** There is none. */
  refuse(refused: Refusal): void;
}

export class Tries {
  readonly #job: ForwardJob;
  readonly #owner: TriesOwner;
  readonly #clock: ForwardClock;
  readonly #action: ForwardAction;
  readonly #course: Course;
  readonly #body: OutgoingBody;
  /** The one under way that has not brought an answer yet. */
  #current: UpstreamTry | null = null;
  /** The failed try that somebody is asked about: whether another may follow it. */
  #failed: FailedTry | null = null;
  #raceTaken = false;
  #hasEnded = false;

  constructor(job: ForwardJob, owner: TriesOwner, clock: ForwardClock) {
    const { x } = job;
    this.#job = job;
    this.#owner = owner;
    this.#clock = clock;
    this.#action = (x.route as CompiledRoute).action as ForwardAction;
    this.#course = new Course(x);
    this.#body = new OutgoingBody(job.body, this.#course.keepBytes);
  }

  /** The first one, or the one whose time has come: if the breaker lets it pass. */
  next(): void {
    const now = performance.now();
    const allowed = this.#course.allow(now);
    if (!(allowed instanceof Promise)) {
      this.#sendIf(allowed);
      return;
    }
    this.#clock.awaitTurn(now, Number.POSITIVE_INFINITY);
    void allowed.then((settled) => {
      // Whoever has ended the tries meanwhile could not return what was not there yet.
      if (this.#hasEnded) this.#course.end();
      else this.#sendIf(settled);
    });
  }

  headArrived(attempt: UpstreamTry, status: number, statusText: string | undefined, raw: readonly Buffer[]): void {
    if (!isFramedClearly(raw)) {
      this.#count('protocol_error', 0);
      this.#cancel();
      this.#afterFailure(failedWithout('protocol', true));
      return;
    }
    this.#count(status < 500 ? 'success' : 'server_error', status);
    this.#current = null;
    const answer = { attempt, status, statusText, raw };
    if (this.#course.isFailure(status)) this.#afterFailure(failedWith(answer, Date.now()));
    else this.#owner.passOn(answer);
  }

  failed(attempt: UpstreamTry, error: NodeJS.ErrnoException): void {
    const kind = classifyFailure(error, attempt.sent);
    if (attempt !== this.#current) {
      // An answer that was held has been cut: it can't be passed on any more.
      if (this.#failed !== null) this.#failed = failedWithout(kind, true);
      return;
    }
    this.#job.x.failure = error.code ?? error.name;
    this.#count(outcomeOf(kind), 0);
    this.#current = null;
    this.#afterFailure(failedWithout(kind, attempt.sent));
  }

  /** True: the upstream agrees to a tunnel, which is the owner's from now on. */
  upgraded(agrees: boolean): boolean {
    this.#count(agrees ? 'success' : 'protocol_error', agrees ? 101 : 0);
    this.#current = null;
    if (!agrees) this.#afterFailure(failedWithout('protocol', true));
    return agrees;
  }

  /** The present one has taken too long. */
  timedOut(): void {
    const { sent } = this.#current as UpstreamTry;
    this.#count('timeout', 0);
    this.#cancel();
    this.#afterFailure(failedWithout('timeout', sent));
  }

  /** The present one has waited for a connection, and will not get one. */
  turnedAway(why: TurnedAway): void {
    const { x, observer } = this.#job;
    this.#current = null;
    x.attempts--;
    x.recording?.tryWithdrawn();
    if (why === 'displaced') {
      this.#send(false);
      return;
    }
    observer.shedWaiting(x);
    this.#owner.refuse(gatewayOverloaded);
  }

  /**
   * An upstream may close a connection in the moment in which it is used again. When not a byte of an answer has come,
   * and the request can be repeated, it goes out once more on a fresh socket (RFC 9112, section 9.3.1). False: no such case.
   */
  takeRace(attempt: UpstreamTry, error: NodeJS.ErrnoException): boolean {
    const connection = attempt.connection as Connection;
    const stale = attempt.sent ? attempt.reused : connection.requests > 0;
    if (attempt !== this.#current || this.#raceTaken || attempt.answered || !stale) return false;
    if (classifyFailure(error, true) !== 'reset') return false;
    // What was never sent may be sent by any method; what was may have been acted on.
    if (attempt.sent && !(isIdempotent(this.#job.x.head.method) && this.#body.isRepeatable)) return false;
    this.#raceTaken = true;
    const again = this.#begin();
    connection.sendAgain(this.#request(), again);
    return true;
  }

  /** The exchange goes on without them, or is over: a try that is under way counts as this. May be called again. */
  end(outcome: TryOutcome): void {
    this.#hasEnded = true;
    this.#count(outcome, 0);
    this.#cancel();
    this.#course.end();
  }

  /** Nobody will want the body any more. */
  dropBody(): void {
    this.#body.destroy();
  }

  #sendIf(allowed: boolean): void {
    this.#job.x.timing?.ended('breaker');
    if (allowed) this.#send(this.#course.isRetry);
    else this.#sendNothing((this.#course.upstream.breaker as Breaker).refuse(performance.now()));
  }

  #send(isRetry: boolean): void {
    const target = this.#course.pick();
    if (typeof target === 'string') {
      this.#sendNothing(target === 'all full' ? upstreamBusy : noHealthyTarget);
      return;
    }
    if (isRetry) this.#job.observer.retried(this.#course.upstream);
    const attempt = this.#begin();
    target.connections.dispatch(this.#request(), attempt);
  }

  /** Not to this upstream: to the fallback, if there is one. */
  #sendNothing(refused: Refusal): void {
    if (this.#course.fallBack(null, this.#body)) this.next();
    else this.#owner.refuse(refused);
  }

  #begin(): UpstreamTry {
    const { x } = this.#job;
    const attempt = new UpstreamTry(this.#owner, (x.route as CompiledRoute).priority);
    this.#current = attempt;
    x.attempts++;
    x.failure = '';
    return attempt;
  }

  #request(): ReturnType<typeof buildUpstreamRequest> {
    const { x } = this.#job;
    const { upstream } = this.#course;
    const body = this.#body.next((x.route as CompiledRoute).maxBodyBytes, x.config.idleMs, this.#owner);
    const isStreamed = body !== null && body !== this.#job.body.whole;
    const tryTimeoutMs = this.#action.tryTimeoutMs ?? upstream.timeoutMs;
    this.#clock.startTry(performance.now(), tryTimeoutMs, isStreamed ? 'upload' : 'head');
    return buildUpstreamRequest(this.#job, this.#action, upstream, body);
  }

  /** Another try, the fallback, or else what the failed try has brought. */
  #afterFailure(failed: FailedTry): void {
    const now = performance.now();
    const waitMs = this.#course.waitBeforeRetry(failed, this.#body, this.#clock, now);
    const granted = waitMs === null ? false : this.#course.takeGrant(now);
    if (!(granted instanceof Promise)) {
      this.#goOn(failed, granted ? waitMs : null);
      return;
    }
    this.#failed = failed;
    if (failed.kind === 'status') failed.answer.attempt.pause();
    this.#clock.awaitTurn(now, Number.POSITIVE_INFINITY);
    void granted.then((settled) => {
      const last = this.#failed;
      this.#failed = null;
      if (this.#hasEnded || last === null) this.#course.end();
      else this.#goOn(last, settled ? waitMs : null);
    });
  }

  #goOn(failed: FailedTry, waitMs: number | null): void {
    if (waitMs !== null) {
      if (failed.kind === 'status') failed.answer.attempt.discard();
      this.#course.retry();
      this.#clock.awaitTurn(performance.now(), waitMs);
      return;
    }
    if (this.#course.fallBack(failed, this.#body)) {
      if (failed.kind === 'status') failed.answer.attempt.discard();
      this.next();
      return;
    }
    if (failed.kind === 'status') this.#owner.passOn(failed.answer);
    else this.#owner.refuse(failed.refusal);
  }

  /** Once for every try: here each is counted, for the target, the upstream's breaker and the metrics. */
  #count(ended: TryOutcome, status: number): void {
    if (this.#current === null) return;
    const { x, observer } = this.#job;
    const hasBegun = this.#current.connection !== null;
    // An upstream is not to blame for the time in which it was not asked.
    const outcome = hasBegun ? ended : 'canceled';
    x.timing?.ended(this.#current.sent ? 'upstream' : 'connect');
    const now = performance.now();
    x.upstreamMs = now - this.#clock.tryStartedAt;
    x.recording?.tryEnded(outcome, status, x.failure, now);
    (x.target as Target).ended(outcome);
    this.#course.tryEnded(outcome, status, hasBegun);
    observer.tryEnded(x, this.#course.upstream, outcome, x.upstreamMs);
  }

  #cancel(): void {
    if (this.#failed?.kind === 'status') this.#failed.answer.attempt.cancel();
    this.#failed = null;
    const attempt = this.#current;
    if (attempt === null) return;
    this.#current = null;
    if (!(this.#job.x.target as Target).connections.withdraw(attempt)) attempt.cancel();
  }
}
