/**
 * Forwards one exchange: its tries bring an answer, which is passed on as it comes. Keeps the time, and makes sure that
 * whoever leaves first takes the other side along.
 */
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import type { CompiledRoute } from '../contracts/compiled.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Refusal } from '../contracts/refusal.ts';
import type { ReplyObserver, UpgradeReply } from '../contracts/reply.ts';
import type { TurnedAway } from '../contracts/upstream.ts';
import { sendRefusal } from '../core/send-refusal.ts';
import { noteStreamed } from '../core/streamed-memory.ts';
import { type ClockOwner, ForwardClock, type TimeUp } from './clock.ts';
import type { HeldAnswer } from './failed-try.ts';
import { classifyFailure, exchangeTimeout, refusalFor, stalled } from './failures.ts';
import { clientClosedRequest, type ForwardJob, type OpenStream } from './job.ts';
import {
  agreesToWebSocket,
  buildResponseHeaders,
  buildTrailers,
  isEventStream,
  reasonPhrase,
} from './response-head.ts';
import { Tries, type TriesOwner } from './tries.ts';
import { openTunnel } from './tunnel.ts';
import type { UpstreamTry } from './upstream-try.ts';

export function forward(job: ForwardJob): void {
  new Forwarding(job).start();
}

type Phase =
  | 'asking'
  /** The answer is the gateway's own, and on its way. */
  | 'refused'
  | 'answering'
  | 'streaming'
  /** The whole answer has been handed to the reply. */
  | 'answered'
  | 'tunnel'
  | 'over';

class Forwarding implements TriesOwner, ReplyObserver, OpenStream, ClockOwner {
  readonly #job: ForwardJob;
  readonly #x: Exchange;
  readonly #clock: ForwardClock;
  readonly #tries: Tries;
  #phase: Phase = 'asking';
  /** An event stream has been told of, and not its end. */
  #isOpen = false;
  /** Whose answer is being passed on. */
  #try: UpstreamTry | null = null;

  constructor(job: ForwardJob) {
    const { x } = job;
    this.#job = job;
    this.#x = x;
    this.#clock = new ForwardClock(this, x.startedAt, (x.route as CompiledRoute).timeoutMs, x.config.idleMs);
    this.#tries = new Tries(job, this, this.#clock);
  }

  start(): void {
    this.#job.reply.observer = this;
    this.#tries.next();
  }

  // ---- the upstream's side, called by the try ----

  bodyMoved(): void {
    this.#clock.moved(performance.now());
  }

  requestStarted(): void {
    this.#x.timing?.ended('connect');
  }

  requestSent(): void {
    this.#x.timing?.ended('send');
    this.#clock.requestSent(performance.now());
  }

  informed(status: number, raw: readonly Buffer[]): void {
    // 100 was the gateway's own matter with the client, and 101 without an upgrade is none.
    if (status > 101) this.#job.reply.informational(status, buildResponseHeaders(raw, this.#x));
  }

  headArrived(attempt: UpstreamTry, status: number, statusText: string | undefined, raw: readonly Buffer[]): void {
    this.#tries.headArrived(attempt, status, statusText, raw);
  }

  dataArrived(chunk: Buffer): void {
    if (this.#phase === 'over') return;
    this.#clock.moved(performance.now());
    if (!this.#job.reply.data(chunk)) this.#try?.pause();
    noteStreamed(chunk.length);
  }

  ended(trailers: readonly Buffer[]): void {
    this.#x.recording?.answerEnded(performance.now());
    this.#try = null;
    this.#phase = 'answered';
    this.#job.reply.end(buildTrailers(trailers, this.#x));
  }

  upgraded(raw: readonly Buffer[], socket: Duplex): void {
    if (!agreesToWebSocket(raw)) {
      socket.on('error', ignore).destroy();
      this.#tries.upgraded(false);
      return;
    }
    this.#tries.upgraded(true);
    this.#tries.end('canceled');
    this.#x.status = 101;
    this.#phase = 'tunnel';
    this.#clock.stop();
    const client = (this.#job.upgrade as UpgradeReply).switchProtocols(buildResponseHeaders(raw, this.#x));
    const tunnel = openTunnel(client, socket, this.#x, this.#clock.idleMs, () => {
      this.#job.observer.streamClosed(tunnel);
      this.#over();
    });
    this.#job.observer.streamOpened(tunnel);
  }

  takeRace(attempt: UpstreamTry, error: NodeJS.ErrnoException): boolean {
    return this.#phase === 'asking' && this.#tries.takeRace(attempt, error);
  }

  failed(attempt: UpstreamTry, error: NodeJS.ErrnoException): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'asking') {
      this.#tries.failed(attempt, error);
      return;
    }
    this.#try = null;
    this.#x.failure = error.code ?? error.name;
    this.refuse(refusalFor(classifyFailure(error, attempt.sent)));
  }

  turnedAway(why: TurnedAway): void {
    if (this.#phase === 'asking') this.#tries.turnedAway(why);
  }

  // ---- what the tries come to ----

  passOn({ attempt, status, statusText, raw }: HeldAnswer): void {
    this.#try = attempt;
    this.#phase = 'answering';
    this.#x.status = status;
    const headers = buildResponseHeaders(raw, this.#x);
    // The rest of the body is not wanted any more: the answer came before its end.
    if (!this.#job.body.complete) this.#job.reply.closeConnection();
    this.#job.reply.head(status, reasonPhrase(statusText), headers);
    if (isEventStream(headers)) this.#openEventStream();
    this.#clock.headArrived(performance.now(), this.#phase === 'answering' ? 'body' : 'events');
    attempt.resume();
  }

  /** Tells the client while that is possible, and cuts the answer when it is not. */
  refuse(refused: Refusal): void {
    this.#cancel();
    this.#clock.stop();
    if (this.#job.reply.begun) {
      this.#x.refusal = refused;
      this.#x.aborted = true;
      this.#job.reply.abort();
      return;
    }
    this.#phase = 'refused';
    if (!this.#job.body.complete) this.#job.reply.closeConnection();
    sendRefusal(this.#x, refused, this.#job.reply);
  }

  // ---- the client's side, called by the reply and the body ----

  replyDrained(): void {
    this.#clock.moved(performance.now());
    this.#try?.resume();
  }

  replyClosed(): void {
    switch (this.#phase) {
      case 'tunnel':
      case 'over':
        return;
      case 'asking':
      case 'answering':
      case 'streaming':
        this.#x.aborted = true;
        if (this.#x.status === 0) this.#x.status = clientClosedRequest;
        this.#cancel();
        break;
      case 'refused':
      case 'answered':
    }
    this.#over();
  }

  bodyFailed(refused: Refusal | null): void {
    // Past a decision the rest of the body matters to nobody.
    if (this.#phase !== 'asking') {
      this.#job.reply.closeConnection();
      return;
    }
    if (refused !== null) {
      this.refuse(refused);
      return;
    }
    this.#cancel();
    this.#clock.stop();
    this.#job.reply.abort();
  }

  /** A drain ends an event stream as if the upstream had: the client reconnects elsewhere. */
  letGo(): void {
    if (this.#phase !== 'streaming') return;
    this.#cancel();
    this.#phase = 'answered';
    this.#job.reply.end(null);
  }

  // ---- the clock's side ----

  timeUp(which: TimeUp): void {
    switch (which) {
      case 'turn':
        this.#x.timing?.ended('backoff');
        this.#tries.next();
        return;
      case 'upload':
      case 'head':
        this.#x.failure = which === 'head' ? 'SLUICE_TRY_TIMEOUT' : 'SLUICE_UPLOAD_TIMEOUT';
        this.#tries.timedOut();
        return;
      case 'body':
      case 'events':
        this.#x.failure = 'SLUICE_IDLE_TIMEOUT';
        this.refuse(stalled);
        return;
      case 'exchange':
        this.#x.failure = 'SLUICE_EXCHANGE_TIMEOUT';
        this.#tries.end(this.#clock.isTryToBlame(performance.now()) ? 'timeout' : 'canceled');
        this.refuse(exchangeTimeout);
    }
  }

  // ---- ends ----

  #openEventStream(): void {
    this.#phase = 'streaming';
    this.#isOpen = true;
    // It has no end, and is no request in flight any more.
    this.#tries.end('canceled');
    this.#job.observer.streamOpened(this);
  }

  #cancel(): void {
    this.#tries.end('canceled');
    this.#try?.cancel();
    this.#try = null;
  }

  #over(): void {
    if (this.#isOpen) this.#job.observer.streamClosed(this);
    this.#phase = 'over';
    this.#clock.stop();
    this.#tries.end('canceled');
    this.#tries.dropBody();
    this.#job.observer.exchangeEnded(this.#x);
  }
}

function ignore(): void {
  // How a socket ends that is thrown away matters to nobody.
}
