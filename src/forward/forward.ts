/**
 * Forwards one exchange: sends it upstream, passes the answer on as it comes, keeps the time, and makes sure that
 * whoever leaves first takes the other side along.
 */
import { performance } from 'node:perf_hooks';
import type { Duplex, Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { CompiledRoute, ForwardAction } from '../contracts/compiled.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Refusal } from '../contracts/refusal.ts';
import type { ReplyObserver, UpgradeReply } from '../contracts/reply.ts';
import type { BodyObserver } from '../contracts/request-body.ts';
import type { Connection, Target, TryOutcome, Upstream } from '../contracts/upstream.ts';
import { refusal } from '../core/refusals.ts';
import { sendRefusal } from '../core/send-refusal.ts';
import { noteStreamed } from '../core/streamed-memory.ts';
import { type ClockOwner, ForwardClock, type TimeUp } from './clock.ts';
import {
  classifyFailure,
  exchangeTimeout,
  type FailureKind,
  isIdempotent,
  noHealthyTarget,
  refusalFor,
  upstreamBusy,
  upstreamTimeout,
} from './failures.ts';
import { clientClosedRequest, type ForwardJob, type OpenStream } from './job.ts';
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
  readonly #upstream: Upstream;
  readonly #clock: ForwardClock;
  #phase: Phase = 'asking';
  #try: UpstreamTry | null = null;
  #stream: Readable | null = null;
  #raceTaken = false;
  /** The whole answer has been handed to the reply. */
  #answered = false;

  constructor(job: ForwardJob) {
    const { x } = job;
    const route = x.route as CompiledRoute;
    this.#job = job;
    this.#x = x;
    this.#action = route.action as ForwardAction;
    this.#upstream = x.upstream as Upstream;
    this.#clock = new ForwardClock(this, x.startedAt, route.timeoutMs, x.config.idleMs);
  }

  start(): void {
    this.#job.reply.observer = this;
    const target = this.#upstream.pick(this.#x, nowhere);
    if (target === null) {
      this.#refuse(noHealthyTarget);
      return;
    }
    this.#x.target = target;
    const attempt = this.#begin();
    if (target.connections.dispatch(this.#request(), attempt) === 'full') {
      this.#try = null;
      this.#x.attempts = 0;
      this.#refuse(upstreamBusy);
    }
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

  headArrived(status: number, statusText: string | undefined, raw: readonly Buffer[]): void {
    if (!isFramedClearly(raw)) {
      this.#tryFailed('protocol_error');
      this.#refuse(refusalFor('protocol'));
      return;
    }
    const now = performance.now();
    this.#phase = 'answering';
    this.#x.status = status;
    this.#x.upstreamMs = now - this.#clock.tryStartedAt;
    this.#tryEnded(status < 500 ? 'success' : 'server_error');
    const headers = buildResponseHeaders(raw, this.#x);
    // The rest of the body is not wanted any more: the answer came before its end.
    if (!this.#job.body.complete) this.#job.reply.closeConnection();
    this.#job.reply.head(status, reasonPhrase(statusText), headers);
    if (isEventStream(headers)) {
      this.#phase = 'streaming';
      this.#job.observer.streamOpened(this);
    }
    this.#clock.headArrived(now, this.#phase === 'streaming' ? 'events' : 'body');
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
      this.#refuse(refusalFor('protocol'));
      return;
    }
    this.#try = null;
    this.#x.upstreamMs = performance.now() - this.#clock.tryStartedAt;
    this.#x.status = 101;
    this.#tryEnded('success');
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
    this.#x.failure = error.code ?? error.name;
    if (this.#phase === 'asking') this.#tryFailed(outcomes[kind]);
    this.#try = null;
    this.#refuse(refusalFor(kind));
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
    if (this.#stream !== null && attempt.sent) return false;
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
    const isAsking = this.#phase === 'asking';
    if (isAsking) this.#tryFailed(which === 'exchange' ? 'canceled' : 'timeout');
    if (which === 'exchange') this.#refuse(exchangeTimeout);
    else this.#refuse(isAsking ? upstreamTimeout : stalled);
  }

  // ---- ends ----

  #tryFailed(outcome: TryOutcome): void {
    if (this.#try === null) return;
    this.#x.upstreamMs = performance.now() - this.#clock.tryStartedAt;
    this.#tryEnded(outcome);
  }

  #tryEnded(outcome: TryOutcome): void {
    (this.#x.target as Target).ended(outcome);
    this.#job.observer.tryEnded(this.#x, this.#upstream, outcome, this.#x.upstreamMs);
  }

  #begin(): UpstreamTry {
    const attempt = new UpstreamTry(this);
    this.#try = attempt;
    this.#x.attempts++;
    return attempt;
  }

  #request(): Dispatcher.DispatchOptions {
    const x = this.#x;
    const target = this.#x.target as Target;
    let body: Buffer | Readable | null = this.#job.body.whole;
    if (body === null && this.#job.body.declaredBytes !== 0) {
      this.#stream ??= this.#job.body.open((x.route as CompiledRoute).maxBodyBytes, x.config.idleMs, this);
      body = this.#stream;
    }
    const tryTimeoutMs = this.#action.tryTimeoutMs ?? this.#upstream.timeoutMs;
    this.#clock.startTry(performance.now(), tryTimeoutMs, body !== null && body === this.#stream ? 'upload' : 'head');
    const options: UpstreamRequest = {
      method: x.head.method,
      path: buildRequestPath(x, this.#action, target),
      headers: buildRequestHeaders(x, this.#action, this.#upstream, target),
      body,
      upgrade: this.#job.upgrade === null ? null : 'websocket',
    };
    if (target.servername !== null) options.servername = target.servername;
    return options;
  }

  #cancelTry(): void {
    const attempt = this.#try;
    if (attempt === null) return;
    this.#try = null;
    if (!(this.#x.target as Target).connections.withdraw(attempt)) attempt.cancel();
  }

  /** Tells the client while that is possible, and cuts the answer when it is not. */
  #refuse(refused: Refusal): void {
    this.#cancelTry();
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
    this.#stream?.destroy();
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
/** Where an exchange has been before its first try. */
const nowhere: readonly Target[] = [];
const stalled = refusal('upstream_timeout', 'nothing moved for too long');

function ignore(): void {
  // How a socket ends that is thrown away matters to nobody.
}
