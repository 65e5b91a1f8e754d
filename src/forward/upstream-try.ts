/** One try of an exchange: undici's handler. It passes on what comes, and knows how far its request and answer have got. */
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Priority } from '../contracts/config.ts';
import type { Attempt, Connection, TurnedAway } from '../contracts/upstream.ts';

/** The exchange, as its tries see it. */
export interface TryObserver {
  /** It begins to go out. */
  requestStarted(): void;
  bodyMoved(): void;
  requestSent(): void;
  informed(status: number, raw: readonly Buffer[]): void;
  headArrived(attempt: UpstreamTry, status: number, statusText: string | undefined, raw: readonly Buffer[]): void;
  dataArrived(chunk: Buffer): void;
  ended(trailers: readonly Buffer[]): void;
  upgraded(raw: readonly Buffer[], socket: Duplex): void;
  /** True: another try has been sent in its place, and the connection is that one's. */
  takeRace(attempt: UpstreamTry, error: NodeJS.ErrnoException): boolean;
  failed(attempt: UpstreamTry, error: NodeJS.ErrnoException): void;
  /** It waited for a connection, and will not get one. */
  turnedAway(why: TurnedAway): void;
}

export class UpstreamTry implements Attempt {
  readonly priority: Priority;
  /** pool */
  connection: Connection | null = null;
  /** The request has begun to go out. */
  sent = false;
  /** The socket had served a request before this one. */
  reused = false;
  /** The first byte of an answer has come. */
  answered = false;
  readonly #observer: TryObserver;
  #controller: Dispatcher.DispatchController | null = null;
  /** The request has gone out whole. */
  #hasSent = false;
  /** `discarded`: its answer is read only to its end. Neither is heard by the exchange any more. */
  #state: 'heard' | 'discarded' | 'cancelled' = 'heard';
  #isPaused = false;
  /** Trailers of an answer that has ended in spite of the pause, as one without a body does; told at `resume`. */
  #heldEnd: readonly Buffer[] | null = null;
  /** What of a discarded answer may still come, bytes. */
  #discardLeft = discardBytes;
  #discardTimer: NodeJS.Timeout | null = null;

  constructor(observer: TryObserver, priority: Priority) {
    this.#observer = observer;
    this.priority = priority;
  }

  turnedAway(why: TurnedAway): void {
    this.#observer.turnedAway(why);
  }

  /** Ends the try without a further word to the exchange. */
  cancel(): void {
    if (this.#state === 'cancelled') return;
    this.#state = 'cancelled';
    this.#controller?.abort(cancelled);
  }

  /** The answer has begun and is not wanted: a short rest is read, so that the connection can serve on. */
  discard(): void {
    if (this.#heldEnd !== null) return;
    if (!this.#hasSent) {
      this.cancel();
      return;
    }
    this.#state = 'discarded';
    this.#discardTimer = setTimeout(cancelTry, discardMs, this).unref();
    this.resume();
  }

  pause(): void {
    this.#isPaused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#heldEnd === null) this.#controller?.resume();
    else this.#observer.ended(this.#heldEnd);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#state === 'cancelled') {
      controller.abort(cancelled);
      return;
    }
    const connection = this.connection as Connection;
    this.reused = connection.requests > 0;
    connection.requests++;
    this.sent = true;
    this.#observer.requestStarted();
  }

  onBodySent(): void {
    this.#observer.bodyMoved();
  }

  onRequestSent(): void {
    this.#hasSent = true;
    this.#observer.requestSent();
  }

  onResponseStarted(): void {
    this.answered = true;
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    _status: number,
    _headers: unknown,
    socket: Duplex,
  ): void {
    this.connection?.handOver(socket);
    if (this.#state !== 'heard') {
      socket.on('error', ignore).destroy();
      return;
    }
    this.#observer.upgraded(rawFields(controller.rawHeaders), socket);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText?: string,
  ): void {
    if (this.#state !== 'heard') return;
    const raw = rawFields(controller.rawHeaders);
    if (status < 200) {
      this.#observer.informed(status, raw);
      return;
    }
    this.#observer.headArrived(this, status, statusText, raw);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state === 'heard') {
      this.#observer.dataArrived(chunk);
      return;
    }
    this.#discardLeft -= chunk.length;
    if (this.#discardLeft < 0) this.cancel();
  }

  onResponseEnd(controller: Dispatcher.DispatchController, _trailers: unknown): void {
    // A close-delimited answer that was cut by a reset is complete only to the parser.
    const cut = this.connection?.reset === true;
    this.#release();
    if (this.#state !== 'heard') return;
    if (cut) {
      this.#observer.failed(this, resetError);
      return;
    }
    const trailers = rawFields(controller.rawTrailers);
    if (this.#isPaused) this.#heldEnd = trailers;
    else this.#observer.ended(trailers);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#state !== 'heard') {
      this.#release();
      return;
    }
    if (!this.#observer.takeRace(this, error)) {
      this.#release();
      this.#observer.failed(this, error);
    }
  }

  #release(): void {
    if (this.#discardTimer !== null) clearTimeout(this.#discardTimer);
    this.connection?.release();
  }
}

/** A rest longer than this costs more than a new connection, and so does one that takes longer, ms. */
const discardBytes = 64 * 1024;
const discardMs = 1_000;
const cancelled = new Error('the exchange has ended');
const resetError: NodeJS.ErrnoException = Object.assign(new Error('reset by the upstream'), { code: 'ECONNRESET' });
const noFields: readonly Buffer[] = [];

/** undici hands over HTTP/1.1 fields as a flat list of Buffers. */
function rawFields(raw: Buffer[] | string[] | null | undefined | object): readonly Buffer[] {
  return Array.isArray(raw) ? (raw as Buffer[]) : noFields;
}

function ignore(): void {
  // The exchange is over; how its socket ends matters to nobody.
}

function cancelTry(attempt: UpstreamTry): void {
  attempt.cancel();
}
