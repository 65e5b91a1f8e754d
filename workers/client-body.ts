/** A request's body over node:http: counted, timed, and told apart from a body that has arrived with its head. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Exchange } from '../src/contracts/exchange.ts';
import type { BodyObserver, RequestBody } from '../src/contracts/request-body.ts';
import { closingRefusal } from '../src/core/refusals.ts';
import { noteStreamed } from '../src/core/streamed-memory.ts';

export class ClientBody implements RequestBody {
  readonly declaredBytes: number | null;
  readonly whole: Buffer | null;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #exchange: Exchange;
  /** The client waits for 100 Continue before it sends the body. */
  readonly #waits: boolean;
  #stream: BodyStream | null = null;
  /** The parser has given up on this body. */
  isMalformed = false;

  /** To be built when all that came with the head has been parsed: then a small body is whole. */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    exchange: Exchange,
    declaredBytes: number | null,
    waits: boolean,
  ) {
    this.declaredBytes = declaredBytes;
    this.#request = request;
    this.#response = response;
    this.#exchange = exchange;
    this.#waits = waits;
    this.whole = declaredBytes !== 0 && request.complete ? readWhole(request) : null;
    if (this.whole !== null) exchange.bytesIn = this.whole.length;
  }

  get complete(): boolean {
    return this.declaredBytes === 0 || this.#request.complete;
  }

  open(maxBytes: number, idleMs: number, observer: BodyObserver): Readable {
    if (this.#waits) this.#response.writeContinue();
    this.#stream = new BodyStream(this.#request, this.#exchange, maxBytes, idleMs, observer);
    return this.#stream;
  }

  malformed(): void {
    this.isMalformed = true;
    this.#stream?.malformed();
  }
}

const noBytes = Buffer.alloc(0);

function readWhole(request: IncomingMessage): Buffer {
  return (request.read() as Buffer | null) ?? noBytes;
}

const tooLarge = closingRefusal('body_too_large', 'the request body is larger than this route takes');
const tooSlow = closingRefusal('request_timeout', 'the request body did not arrive in time');
export const malformedBody = closingRefusal('bad_request', 'the request body is malformed');

/** What the upstream reads. It asks the client for more only as the upstream takes it. */
class BodyStream extends Readable {
  readonly #request: IncomingMessage;
  readonly #exchange: Exchange;
  readonly #maxBytes: number;
  readonly #idleMs: number;
  readonly #observer: BodyObserver;
  #timer: NodeJS.Timeout | null = null;
  #failed = false;

  constructor(request: IncomingMessage, exchange: Exchange, maxBytes: number, idleMs: number, observer: BodyObserver) {
    super({ highWaterMark: 64 * 1024 });
    this.#request = request;
    this.#exchange = exchange;
    this.#maxBytes = maxBytes;
    this.#idleMs = idleMs;
    this.#observer = observer;
    request.on('data', (chunk: Buffer) => this.#take(chunk));
    request.on('end', () => this.#finish());
    request.on('error', () => this.#fail('gone'));
    request.pause();
  }

  override _read(): void {
    this.#request.resume();
    this.#expectMore();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stopTimer();
    this.#failed = true;
    // What the client still sends is thrown away until its connection closes.
    this.#request.resume();
    done(error);
  }

  malformed(): void {
    this.#fail('malformed');
  }

  #take(chunk: Buffer): void {
    if (this.#failed) return;
    this.#exchange.bytesIn += chunk.length;
    if (this.#exchange.bytesIn > this.#maxBytes) {
      this.#fail('too large');
      return;
    }
    noteStreamed(chunk.length);
    if (this.push(chunk)) {
      this.#expectMore();
      return;
    }
    // The upstream is slower: the client's silence is not its fault now.
    this.#request.pause();
    this.#stopTimer();
  }

  #finish(): void {
    this.#stopTimer();
    if (!this.#failed) this.push(null);
  }

  #expectMore(): void {
    if (this.#idleMs === 0 || this.#request.complete) return;
    if (this.#timer === null) this.#timer = setTimeout(() => this.#fail('too slow'), this.#idleMs);
    else this.#timer.refresh();
  }

  #fail(why: 'too large' | 'too slow' | 'malformed' | 'gone'): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#stopTimer();
    this.#observer.bodyFailed(refusals[why]);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

const refusals = { 'too large': tooLarge, 'too slow': tooSlow, malformed: malformedBody, gone: null } as const;
