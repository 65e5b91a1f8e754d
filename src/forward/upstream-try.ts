/** One try of an exchange: undici's handler. It passes on what comes, and knows how far its request and answer have got. */
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Attempt, Connection } from '../contracts/upstream.ts';
import type { Forwarding } from './forward.ts';

export class UpstreamTry implements Attempt {
  /** pool */
  connection: Connection | null = null;
  /** The request has begun to go out. */
  sent = false;
  /** The socket had served a request before this one. */
  reused = false;
  /** The first byte of an answer has come. */
  answered = false;
  readonly #forwarding: Forwarding;
  #controller: Dispatcher.DispatchController | null = null;
  #cancelled = false;

  constructor(forwarding: Forwarding) {
    this.#forwarding = forwarding;
  }

  /** Ends the try without a further word to the exchange. */
  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#controller?.abort(cancelled);
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#cancelled) {
      controller.abort(cancelled);
      return;
    }
    const connection = this.connection as Connection;
    this.reused = connection.requests > 0;
    connection.requests++;
    this.sent = true;
  }

  onBodySent(): void {
    this.#forwarding.bodyMoved();
  }

  onRequestSent(): void {
    this.#forwarding.requestSent();
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
    this.#release();
    if (this.#cancelled) {
      socket.on('error', ignore).destroy();
      return;
    }
    this.#forwarding.upgraded(rawFields(controller.rawHeaders), socket);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText?: string,
  ): void {
    if (this.#cancelled) return;
    const raw = rawFields(controller.rawHeaders);
    if (status < 200) {
      this.#forwarding.informed(status, raw);
      return;
    }
    this.#forwarding.headArrived(status, statusText, raw);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#cancelled) this.#forwarding.dataArrived(chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController, _trailers: unknown): void {
    // A close-delimited answer that was cut by a reset is complete only to the parser.
    const cut = this.connection?.reset === true;
    this.#release();
    if (this.#cancelled) return;
    if (cut) {
      this.#forwarding.failed(this, resetError);
      return;
    }
    this.#forwarding.ended(rawFields(controller.rawTrailers));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#cancelled) {
      this.#release();
      return;
    }
    if (!this.#forwarding.takeRace(this, error)) {
      this.#release();
      this.#forwarding.failed(this, error);
    }
  }

  #release(): void {
    this.connection?.release();
  }
}

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
