/**
 * Forwards one exchange: sends it upstream, passes the answer on as it comes, keeps the time, and makes sure that
 * whoever leaves first takes the other side along.
 */
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Breaker } from '../contracts/breaker.ts';
import type { CompiledRoute, ForwardAction } from '../contracts/compiled.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Refusal } from '../contracts/refusal.ts';
import type { ReplyObserver, UpgradeReply } from '../contracts/reply.ts';
import type { BodyObserver } from '../contracts/request-body.ts';
import type { Connection, Target, TryOutcome } from '../contracts/upstream.ts';
import { refusal } from '../core/refusals.ts';
import { sendRefusal } from '../core/send-refusal.ts';
import { noteStreamed } from '../core/streamed-memory.ts';
import { type ClockOwner, ForwardClock, type TimeUp } from './clock.ts';
import { Course } from './course.ts';
import { type FailedTry, failedWith, failedWithout, type HeldAnswer } from './failed-try.ts';
import {
  classifyFailure,
  exchangeTimeout,
  type FailureKind,
  isIdempotent,
  noHealthyTarget,
  refusalFor,
  upstreamBusy,
} from './failures.ts';
import { clientClosedRequest, type ForwardJob, type OpenStream } from './job.ts';
import { OutgoingBody } from './outgoing-body.ts';
import { buildRequestHeaders, buildRequestPath } from './request-head.ts';
import {
  agreesToWebSocket,
  buildResponseHeaders,
  buildTrailers,
  isEventStream,
  isFramedClearly,
  reasonPhrase,
} from './response-head.ts';
import { openTunnel } from './tunnel.ts';
import { UpstreamTry } from './upstream-try.ts';

export function forward(job: ForwardJob): void {
  new Forwarding(job).start();
}

type Phase = 'asking' | 'answering' | 'streaming' | 'tunnel' | 'over';

export class Forwarding implements ReplyObserver, BodyObserver, OpenStream, ClockOwner {
  readonly #job: ForwardJob;
  readonly #x: Exchange;
  readonly #action: ForwardAction;
  readonly #course: Course;
  readonly #body: OutgoingBody;
  readonly #clock: ForwardClock;
  #phase: Phase = 'asking';
  #try: UpstreamTry | null = null;
  /** The failed try that somebody is asked about: whether another may follow it. */
  #failed: FailedTry | null = null;
  #raceTaken = false;
  /** The whole answer has been handed to the reply. */
  #answered = false;

  constructor(job: ForwardJob) {
    const { x } = job;
    const route = x.route as CompiledRoute;
    this.#job = job;
    this.#x = x;
    this.#action = route.action as ForwardAction;
    this.#course = new Course(x);
    this.#body = new OutgoingBody(job.body, this.#course.keepBytes);
    this.#clock = new ForwardClock(this, x.startedAt, route.timeoutMs, x.config.idleMs);
  }

  start(): void {
    this.#job.reply.observer = this;
    this.#next();
  }

  // ---- tries ----

  /** The next try, if the breaker lets it pass. */
  #next(): void {
    const now = performance.now();
    const allowed = this.#course.allow(now);
    if (!(allowed instanceof Promise)) {
      this.#sendIf(allowed);
      return;
    }
    this.#clock.awaitTurn(now, Number.POSITIVE_INFINITY);
    void allowed.then((settled) => {
      // Whoever has settled the exchange meanwhile could not return what was not there yet.
      if (this.#isSettled) this.#course.end();
      else this.#sendIf(settled);
    });
  }

  #sendIf(allowed: boolean): void {
    if (allowed) this.#send();
    else if (this.#course.fallBack(null, this.#body)) this.#next();
    else this.#refuse((this.#course.upstream.breaker as Breaker).refuse(performance.now()));
  }

  #send(): void {
    const target = this.#course.pick();
    if (target === null) {
      if (this.#course.fallBack(null, this.#body)) this.#next();
      else this.#refuse(noHealthyTarget);
      return;
    }
    if (this.#course.isRetry) this.#job.observer.retried(this.#course.upstream);
    const attempt = this.#begin();
    if (target.connections.dispatch(this.#request(), attempt) === 'full') {
      this.#try = null;
      this.#x.attempts--;
      this.#refuse(upstreamBusy);
    }
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
      if (this.#isSettled || last === null) this.#course.end();
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
      this.#next();
      return;
    }
    if (failed.kind === 'status') this.#passOn(failed.answer);
    else this.#refuse(failed.refusal);
  }

  // ---- the upstream's side, called by the try ----

  bodyMoved(): void {
    this.#clock.moved(performance.now());
  }

  requestSent(): void {
    this.#clock.requestSent(performance.now());
  }

  informed(status: number, raw: readonly Buffer[]): void {
    // 100 was the gateway's own matter with the client, and 101 without an upgrade is none.
    if (status > 101) this.#job.reply.informational(status, buildResponseHeaders(raw, this.#x));
  }

  headArrived(attempt: UpstreamTry, status: number, statusText: string | undefined, raw: readonly Buffer[]): void {
    if (!isFramedClearly(raw)) {
      this.#tryFailed('protocol_error');
      this.#cancelTry();
      this.#afterFailure(failedWithout('protocol', true));
      return;
    }
    this.#x.upstreamMs = performance.now() - this.#clock.tryStartedAt;
    this.#tryEnded(status < 500 ? 'success' : 'server_error', status);
    const answer = { attempt, status, statusText, raw };
    if (!this.#course.isFailure(status)) {
      this.#passOn(answer);
      return;
    }
    this.#try = null;
    this.#afterFailure(failedWith(answer, Date.now()));
  }

  #passOn({ attempt, status, statusText, raw }: HeldAnswer): void {
    const now = performance.now();
    this.#try = attempt;
    this.#phase = 'answering';
    this.#x.status = status;
    const headers = buildResponseHeaders(raw, this.#x);
    // The rest of the body is not wanted any more: the answer came before its end.
    if (!this.#job.body.complete) this.#job.reply.closeConnection();
    this.#job.reply.head(status, reasonPhrase(statusText), headers);
    if (isEventStream(headers)) {
      this.#phase = 'streaming';
      this.#course.end();
      this.#job.observer.streamOpened(this);
    }
    this.#clock.headArrived(now, this.#phase === 'streaming' ? 'events' : 'body');
    attempt.resume();
  }

  dataArrived(chunk: Buffer): void {
    if (this.#phase === 'over') return;
    this.#clock.moved(performance.now());
    if (!this.#job.reply.data(chunk)) this.#try?.pause();
    noteStreamed(chunk.length);
  }

  ended(trailers: readonly Buffer[]): void {
    this.#try = null;
    this.#answered = true;
    this.#job.reply.end(buildTrailers(trailers, this.#x));
  }

  upgraded(raw: readonly Buffer[], socket: Duplex): void {
    const upgrade = this.#job.upgrade as UpgradeReply;
    if (!agreesToWebSocket(raw)) {
      socket.on('error', ignore).destroy();
      this.#tryFailed('protocol_error');
      this.#try = null;
      this.#afterFailure(failedWithout('protocol', true));
      return;
    }
    this.#try = null;
    this.#x.upstreamMs = performance.now() - this.#clock.tryStartedAt;
    this.#x.status = 101;
    this.#tryEnded('success', 101);
    this.#course.end();
    this.#phase = 'tunnel';
    this.#clock.stop();
    const client = upgrade.switchProtocols(buildResponseHeaders(raw, this.#x));
    const tunnel = openTunnel(client, socket, this.#x, this.#clock.idleMs, () => {
      this.#job.observer.streamClosed(tunnel);
      this.#over();
    });
    this.#job.observer.streamOpened(tunnel);
  }

  failed(attempt: UpstreamTry, error: NodeJS.ErrnoException): void {
    if (this.#phase === 'over') return;
    const kind = classifyFailure(error, attempt.sent);
    if (attempt !== this.#try) {
      // An answer that was held has been cut: it can't be passed on any more.
      if (this.#failed !== null) this.#failed = failedWithout(kind, true);
      return;
    }
    this.#x.failure = error.code ?? error.name;
    if (this.#phase !== 'asking') {
      this.#try = null;
      this.#refuse(refusalFor(kind));
      return;
    }
    this.#tryFailed(outcomes[kind]);
    this.#try = null;
    this.#afterFailure(failedWithout(kind, attempt.sent));
  }

  /**
   * An upstream may close a connection in the moment in which it is used again. When not a byte of an answer has come,
   * and the request can be repeated, it goes out once more on a fresh socket (RFC 9112, section 9.3.1). False: no such case.
   */
  takeRace(attempt: UpstreamTry, error: NodeJS.ErrnoException): boolean {
    const connection = attempt.connection as Connection;
    const stale = attempt.sent ? attempt.reused : connection.requests > 0;
    if (this.#phase !== 'asking' || this.#raceTaken || attempt.answered || !stale) return false;
    if (classifyFailure(error, true) !== 'reset') return false;
    // What was never sent may be sent by any method; what was may have been acted on.
    if (attempt.sent && !isIdempotent(this.#x.head.method)) return false;
    if (!this.#body.isRepeatable && attempt.sent) return false;
    this.#raceTaken = true;
    connection.sendAgain(this.#request(), this.#begin());
    return true;
  }

  // ---- the client's side, called by the reply and the body ----

  replyDrained(): void {
    this.#clock.moved(performance.now());
    this.#try?.resume();
  }

  replyClosed(): void {
    if (this.#phase === 'tunnel' || this.#phase === 'over') return;
    if (!this.#answered) {
      this.#x.aborted = true;
      if (this.#x.status === 0) this.#x.status = clientClosedRequest;
      if (this.#phase === 'asking') this.#tryFailed('canceled');
      this.#cancelTry();
    }
    this.#over();
  }

  bodyFailed(refused: Refusal | null): void {
    // Past a decision the rest of the body matters to nobody.
    if (this.#phase !== 'asking' || this.#answered) {
      this.#job.reply.closeConnection();
      return;
    }
    this.#tryFailed('canceled');
    this.#cancelTry();
    if (refused === null) this.#job.reply.abort();
    else this.#refuse(refused);
  }

  /** A drain ends an event stream as if the upstream had: the client reconnects elsewhere. */
  letGo(): void {
    if (this.#phase !== 'streaming') return;
    this.#cancelTry();
    this.#answered = true;
    this.#job.reply.end(null);
  }

  // ---- the clock's side ----

  timeUp(which: TimeUp): void {
    switch (which) {
      case 'turn':
        this.#next();
        return;
      case 'upload':
      case 'head': {
        const { sent } = this.#try as UpstreamTry;
        this.#x.failure = which === 'head' ? 'SLUICE_TRY_TIMEOUT' : 'SLUICE_UPLOAD_TIMEOUT';
        this.#tryFailed('timeout');
        this.#cancelTry();
        this.#afterFailure(failedWithout('timeout', sent));
        return;
      }
      case 'body':
      case 'events':
        this.#x.failure = 'SLUICE_IDLE_TIMEOUT';
        this.#refuse(stalled);
        return;
      case 'exchange': {
        const outcome = this.#clock.isTryToBlame(performance.now()) ? 'timeout' : 'canceled';
        this.#x.failure = 'SLUICE_EXCHANGE_TIMEOUT';
        if (this.#phase === 'asking') this.#tryFailed(outcome);
        this.#refuse(exchangeTimeout);
      }
    }
  }

  // ---- ends ----

  /** Nothing is left to decide: what comes late has no say. */
  get #isSettled(): boolean {
    return this.#phase !== 'asking' || this.#answered;
  }

  #tryFailed(outcome: TryOutcome): void {
    if (this.#try === null) return;
    this.#x.upstreamMs = performance.now() - this.#clock.tryStartedAt;
    this.#tryEnded(outcome, 0);
  }

  #tryEnded(outcome: TryOutcome, status: number): void {
    (this.#x.target as Target).ended(outcome);
    this.#course.tryEnded(outcome, status);
    this.#job.observer.tryEnded(this.#x, this.#course.upstream, outcome, this.#x.upstreamMs);
  }

  #begin(): UpstreamTry {
    const attempt = new UpstreamTry(this);
    this.#try = attempt;
    this.#x.attempts++;
    this.#x.failure = '';
    return attempt;
  }

  #request(): Dispatcher.DispatchOptions {
    const x = this.#x;
    const target = x.target as Target;
    const { upstream } = this.#course;
    const body = this.#body.next((x.route as CompiledRoute).maxBodyBytes, x.config.idleMs, this);
    const isStreamed = body !== null && body !== this.#job.body.whole;
    const tryTimeoutMs = this.#action.tryTimeoutMs ?? upstream.timeoutMs;
    this.#clock.startTry(performance.now(), tryTimeoutMs, isStreamed ? 'upload' : 'head');
    const options: UpstreamRequest = {
      method: x.head.method,
      path: buildRequestPath(x, this.#action, target),
      headers: buildRequestHeaders(x, this.#action, upstream, target),
      body,
      upgrade: this.#job.upgrade === null ? null : 'websocket',
    };
    if (target.servername !== null) options.servername = target.servername;
    return options;
  }

  #cancelTry(): void {
    if (this.#failed?.kind === 'status') this.#failed.answer.attempt.cancel();
    this.#failed = null;
    const attempt = this.#try;
    if (attempt === null) return;
    this.#try = null;
    if (!(this.#x.target as Target).connections.withdraw(attempt)) attempt.cancel();
  }

  /** Tells the client while that is possible, and cuts the answer when it is not. */
  #refuse(refused: Refusal): void {
    this.#cancelTry();
    this.#course.end();
    this.#clock.stop();
    if (this.#job.reply.begun) {
      this.#x.refusal = refused;
      this.#x.aborted = true;
      this.#job.reply.abort();
      return;
    }
    this.#answered = true;
    if (!this.#job.body.complete) this.#job.reply.closeConnection();
    sendRefusal(this.#x, refused, this.#job.reply);
  }

  #over(): void {
    if (this.#phase === 'streaming') this.#job.observer.streamClosed(this);
    this.#phase = 'over';
    this.#clock.stop();
    this.#course.end();
    this.#body.destroy();
    this.#job.observer.exchangeEnded(this.#x);
  }
}

/** undici takes the server name at run time; its types have not learned it. */
type UpstreamRequest = Dispatcher.DispatchOptions & { servername?: string };

const outcomes: { readonly [K in FailureKind]: TryOutcome } = {
  blocked: 'blocked',
  connect: 'unreachable',
  reset: 'reset',
  timeout: 'timeout',
  protocol: 'protocol_error',
};
const stalled = refusal('upstream_timeout', 'nothing moved for too long');

function ignore(): void {
  // How a socket ends that is thrown away matters to nobody.
}
