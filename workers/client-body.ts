/**
 * A request's body over node:http: counted, timed, and told apart from a body that has arrived with its head. It is
 * streamed to the upstream, or collected first by whoever has to judge it as a whole.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Exchange } from '../src/contracts/exchange.ts';
import type { Refusal } from '../src/contracts/refusal.ts';
import type { BodyObserver, RequestBody } from '../src/contracts/request-body.ts';
import { noteStreamed } from '../src/core/streamed-memory.ts';
import { BodyCollection } from './body-collection.ts';
import { type BodyFault, bodyRefusals } from './body-faults.ts';
import { type CollectedBodies, GrowingBody } from './collected-bodies.ts';

const noBytes = Buffer.alloc(0);

export class ClientBody implements RequestBody {
  readonly declaredBytes: number | null;
  whole: Buffer | null;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #exchange: Exchange;
  readonly #room: CollectedBodies;
  /** The client waits for 100 Continue before it sends the body. */
  #waits: boolean;
  #collection: BodyCollection | null = null;
  /** What had been collected when there was no more room. */
  #begun: Buffer = noBytes;
  #stream: BodyStream | null = null;
  /** The parser has given up on this body. */
  isMalformed = false;

  /** To be built when all that came with the head has been parsed: then a small body is whole. */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    exchange: Exchange,
    room: CollectedBodies,
    declaredBytes: number | null,
    waits: boolean,
  ) {
    this.declaredBytes = declaredBytes;
    this.#request = request;
    this.#response = response;
    this.#exchange = exchange;
    this.#room = room;
    this.#waits = waits;
    this.whole = declaredBytes !== 0 && request.complete ? readWhole(request) : null;
    if (this.whole !== null) exchange.bytesIn = this.whole.length;
  }

  get complete(): boolean {
    return this.declaredBytes === 0 || this.#request.complete;
  }

  async collect(maxBytes: number, idleMs: number, timeoutMs: number): Promise<'whole' | 'no room' | Refusal> {
    const growing = new GrowingBody(this.#room, this.declaredBytes ?? maxBytes);
    this.#response.once('close', () => growing.release());
    const limits = { maxBytes, idleMs, timeoutMs };
    this.#collection = new BodyCollection(this.#request, this.#exchange, limits, growing);
    this.#invite();
    const outcome = await this.#collection.run();
    if (outcome === 'whole') {
      this.whole = growing.bytes;
      return outcome;
    }
    if (outcome === 'no room') this.#begun = Buffer.concat([growing.bytes, this.#collection.rest ?? noBytes]);
    growing.release();
    return outcome;
  }

  open(maxBytes: number, idleMs: number, observer: BodyObserver): Readable {
    this.#invite();
    this.#stream = new BodyStream(this.#request, this.#exchange, maxBytes, idleMs, observer, this.#begun);
    return this.#stream;
  }

  malformed(): void {
    this.isMalformed = true;
    this.#collection?.fail('malformed');
    this.#stream?.malformed();
  }

  /** The client may be waiting for a word before it sends. */
  #invite(): void {
    if (this.#waits) this.#response.writeContinue();
    this.#waits = false;
  }
}

function readWhole(request: IncomingMessage): Buffer {
  return (request.read() as Buffer | null) ?? noBytes;
}

/** What the upstream reads. It asks the client for more only as the upstream takes it. */
class BodyStream extends Readable {
  readonly #request: IncomingMessage;
  readonly #exchange: Exchange;
  readonly #maxBytes: number;
  readonly #idleMs: number;
  readonly #observer: BodyObserver;
  #timer: NodeJS.Timeout | null = null;
  #failed = false;

  /** `begun`: what has been read of it already. */
  constructor(
    request: IncomingMessage,
    exchange: Exchange,
    maxBytes: number,
    idleMs: number,
    observer: BodyObserver,
    begun: Buffer,
  ) {
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
    if (begun.length > 0) this.push(begun);
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

  #fail(why: BodyFault): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#stopTimer();
    this.#observer.bodyFailed(bodyRefusals[why]);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
