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
import type { Reply, ReplyObserver, UpgradeReply } from '../contracts/reply.ts';
import type { BodyObserver, RequestBody } from '../contracts/request-body.ts';
import type { Connection, Target, TryOutcome, Upstream } from '../contracts/upstream.ts';
import { refusal } from '../core/refusals.ts';
import { sendRefusal } from '../core/send-refusal.ts';
import { noteStreamed } from '../core/streamed-memory.ts';
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

/** What forwarding tells its surroundings: one object per worker. */
export interface ForwardObserver {
  /** The exchange is over, on every path: answered, refused, cut or left by the client. */
  exchangeEnded(x: Exchange): void;
  /** A try at an upstream is over; `durationMs` until the response head, or until it failed. */
  tryEnded(upstream: Upstream, outcome: TryOutcome, durationMs: number): void;
  /** The answer has become an endless one: it no longer counts as a request in flight, and a drain ends it by `letGo`. */
  streamOpened(stream: OpenStream): void;
  streamClosed(stream: OpenStream): void;
}

/** A WebSocket or an event stream. */
export interface OpenStream {
  /** Ends it politely: a close frame (1001), or a clean end of the event stream. */
  letGo(): void;
}

export function forward(
  x: Exchange,
  action: ForwardAction,
  body: RequestBody,
  reply: Reply,
  upgrade: UpgradeReply | null,
  observer: ForwardObserver,
): void {
  new Forwarding(x, action, body, reply, upgrade, observer).start();
}

type Phase = 'asking' | 'answering' | 'streaming' | 'tunnel' | 'over';

export class Forwarding implements ReplyObserver, BodyObserver, OpenStream {
  readonly #x: Exchange;
  readonly #upstream: Upstream;
  readonly #action: ForwardAction;
  readonly #body: RequestBody;
  readonly #reply: Reply;
  readonly #upgrade: UpgradeReply | null;
  readonly #observer: ForwardObserver;
  /** Monotonic ms; Infinity: none. */
  readonly #deadlineAt: number;
  readonly #tryTimeoutMs: number;
  readonly #idleMs: number;
  #phase: Phase = 'asking';
  #try: UpstreamTry | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Monotonic ms; Infinity: no timer is set. */
  #firesAt = Number.POSITIVE_INFINITY;
  /** When the present try began, or when its request was complete. */
  #tryStartedAt = 0;
  /** When body bytes last moved, in either direction. */
  #movedAt = 0;
  /** The request's body is still on its way to the upstream. */
  #uploading = false;
  #stream: Readable | null = null;
  #raceTaken = false;
  /** The whole answer has been handed to the reply. */
  #answered = false;

  constructor(
    x: Exchange,
    action: ForwardAction,
    body: RequestBody,
    reply: Reply,
    upgrade: UpgradeReply | null,
    observer: ForwardObserver,
  ) {
    const route = x.route as CompiledRoute;
    this.#x = x;
    this.#upstream = x.upstream as Upstream;
    this.#action = action;
    this.#body = body;
    this.#reply = reply;
    this.#upgrade = upgrade;
    this.#observer = observer;
    this.#deadlineAt = route.timeoutMs === 0 ? Number.POSITIVE_INFINITY : x.startedAt + route.timeoutMs;
    this.#tryTimeoutMs = action.tryTimeoutMs ?? this.#upstream.timeoutMs;
    this.#idleMs = x.config.idleMs === 0 ? Number.POSITIVE_INFINITY : x.config.idleMs;
  }

  start(): void {
    this.#reply.observer = this;
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
    this.#movedAt = performance.now();
  }

  /** A streamed body may take its time: the try's clock starts when the upstream has it all. */
  requestSent(): void {
    if (!this.#uploading) return;
    this.#uploading = false;
    this.#tryStartedAt = performance.now();
    this.#rearm(this.#tryStartedAt);
  }

  informed(status: number, raw: readonly Buffer[]): void {
    // 100 was the gateway's own matter with the client, and 101 without an upgrade is none.
    if (status > 101) this.#reply.informational(status, buildResponseHeaders(raw, this.#x));
  }

  headArrived(status: number, statusText: string | undefined, raw: readonly Buffer[]): void {
    if (!isFramedClearly(raw)) {
      this.#tryFailed('protocol_error');
      this.#refuse(refusalFor('protocol'));
      return;
    }
    const now = performance.now();
    this.#phase = 'answering';
    this.#movedAt = now;
    this.#x.status = status;
    this.#x.upstreamMs = now - this.#tryStartedAt;
    this.#tryEnded(status < 500 ? 'success' : 'server_error');
    const headers = buildResponseHeaders(raw, this.#x);
    // The rest of the body is not wanted any more: the answer came before its end.
    if (!this.#body.complete) this.#reply.closeConnection();
    this.#reply.head(status, reasonPhrase(statusText), headers);
    if (isEventStream(headers)) {
      this.#phase = 'streaming';
      this.#observer.streamOpened(this);
    }
    // A timer that is set for later would notice a stalled body too late; one that is set for earlier sets itself anew.
    if (this.#nextAt() < this.#firesAt) this.#rearm(now);
  }

  dataArrived(chunk: Buffer): void {
    if (this.#phase === 'over') return;
    this.#movedAt = performance.now();
    if (!this.#reply.data(chunk)) this.#try?.pause();
    noteStreamed(chunk.length);
  }

  ended(trailers: readonly Buffer[]): void {
    this.#try = null;
    this.#answered = true;
    this.#reply.end(buildTrailers(trailers, this.#x));
  }

  upgraded(raw: readonly Buffer[], socket: Duplex): void {
    const upgrade = this.#upgrade as UpgradeReply;
    if (!agreesToWebSocket(raw)) {
      socket.on('error', ignore).destroy();
      this.#tryFailed('protocol_error');
      this.#try = null;
      this.#refuse(refusalFor('protocol'));
      return;
    }
    this.#try = null;
    this.#x.upstreamMs = performance.now() - this.#tryStartedAt;
    this.#x.status = 101;
    this.#tryEnded('success');
    this.#phase = 'tunnel';
    this.#stopTimer();
    const client = upgrade.switchProtocols(buildResponseHeaders(raw, this.#x));
    const tunnel = openTunnel(client, socket, this.#x, this.#idleMs, () => {
      this.#observer.streamClosed(tunnel);
      this.#over();
    });
    this.#observer.streamOpened(tunnel);
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
    this.#movedAt = performance.now();
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
      this.#reply.closeConnection();
      return;
    }
    this.#tryFailed('canceled');
    this.#cancelTry();
    if (refused === null) this.#reply.abort();
    else this.#refuse(refused);
  }

  /** A drain ends an event stream as if the upstream had: the client reconnects elsewhere. */
  letGo(): void {
    if (this.#phase !== 'streaming') return;
    this.#cancelTry();
    this.#answered = true;
    this.#reply.end(null);
  }

  // ---- time ----

  timeUp(): void {
    this.#timer = null;
    const now = performance.now();
    if (now + clockSlackMs < this.#nextAt()) {
      this.#rearm(now);
      return;
    }
    const late = now + clockSlackMs >= this.#deadlineAt && this.#phase !== 'streaming';
    if (this.#phase === 'asking') this.#tryFailed(late ? 'canceled' : 'timeout');
    this.#refuse(late ? exchangeTimeout : this.#phase === 'asking' ? upstreamTimeout : stalled);
  }

  #nextAt(): number {
    switch (this.#phase) {
      case 'asking': {
        const tryAt = this.#tryTimeoutMs === 0 ? Number.POSITIVE_INFINITY : this.#tryStartedAt + this.#tryTimeoutMs;
        // While the body is on its way the client's silence is the body's matter, and the upstream's shows a little later.
        const stallAt = this.#movedAt + this.#idleMs + uploadGraceMs;
        return Math.min(this.#deadlineAt, this.#uploading ? stallAt : tryAt);
      }
      case 'answering':
        return Math.min(this.#deadlineAt, this.#movedAt + this.#idleMs);
      case 'streaming':
        return this.#movedAt + this.#idleMs;
      case 'tunnel':
      case 'over':
        return Number.POSITIVE_INFINITY;
    }
  }

  #rearm(now: number): void {
    this.#stopTimer();
    const nextAt = this.#nextAt();
    const waitMs = nextAt - now;
    if (waitMs >= longestTimerMs) return;
    this.#timer = setTimeout(fireTimer, Math.max(1, Math.ceil(waitMs)), this);
    this.#firesAt = nextAt;
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  // ---- ends ----

  #tryFailed(outcome: TryOutcome): void {
    if (this.#try === null) return;
    this.#x.upstreamMs = performance.now() - this.#tryStartedAt;
    this.#tryEnded(outcome);
  }

  #tryEnded(outcome: TryOutcome): void {
    (this.#x.target as Target).ended(outcome);
    this.#observer.tryEnded(this.#upstream, outcome, this.#x.upstreamMs);
  }

  #begin(): UpstreamTry {
    const attempt = new UpstreamTry(this);
    this.#try = attempt;
    this.#x.attempts++;
    this.#tryStartedAt = performance.now();
    this.#movedAt = this.#tryStartedAt;
    return attempt;
  }

  #request(): Dispatcher.DispatchOptions {
    const x = this.#x;
    const target = this.#x.target as Target;
    let body: Buffer | Readable | null = this.#body.whole;
    if (body === null && this.#body.declaredBytes !== 0) {
      this.#stream ??= this.#body.open((x.route as CompiledRoute).maxBodyBytes, x.config.idleMs, this);
      this.#uploading = true;
      body = this.#stream;
    }
    const options: UpstreamRequest = {
      method: x.head.method,
      path: buildRequestPath(x, this.#action, target),
      headers: buildRequestHeaders(x, this.#action, this.#upstream, target),
      body,
      upgrade: this.#upgrade === null ? null : 'websocket',
    };
    if (target.servername !== null) options.servername = target.servername;
    this.#rearm(this.#tryStartedAt);
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
    this.#stopTimer();
    if (this.#reply.begun) {
      this.#x.refusal = refused;
      this.#x.aborted = true;
      this.#reply.abort();
      return;
    }
    this.#answered = true;
    if (!this.#body.complete) this.#reply.closeConnection();
    sendRefusal(this.#x, refused, this.#reply);
  }

  #over(): void {
    if (this.#phase === 'streaming') this.#observer.streamClosed(this);
    this.#phase = 'over';
    this.#stopTimer();
    this.#stream?.destroy();
    this.#observer.exchangeEnded(this.#x);
  }
}

/** undici takes the server name at run time; its types have not learned it. */
type UpstreamRequest = Dispatcher.DispatchOptions & { servername?: string };

/** nginx's number for a client that left before it was answered; it stands in logs and metrics only. */
export const clientClosedRequest = 499;
/** Timers may fire a little early; nobody minds a millisecond. */
const clockSlackMs = 1;
/** So much later than the client's own idle limit an upstream that takes no more of a body is given up, ms. */
const uploadGraceMs = 1_000;
/** setTimeout's limit, 2^31 - 1 ms. */
const longestTimerMs = 2_147_483_647;

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

function fireTimer(forwarding: Forwarding): void {
  forwarding.timeUp();
}
