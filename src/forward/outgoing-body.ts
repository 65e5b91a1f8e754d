/** The request's body on its way out: as it came, or once more for each further try. */
import { Readable } from 'node:stream';
import type { BodyObserver, RequestBody } from '../contracts/request-body.ts';

export class OutgoingBody {
  readonly #body: RequestBody;
  /** So much is kept of a body that is streamed; -1: nobody will want it again, and it goes out as it is. */
  readonly #keepBytes: number;
  #source: Readable | null = null;
  #kept: KeptBody | null = null;

  constructor(body: RequestBody, keepBytes: number) {
    this.#body = body;
    this.#keepBytes = keepBytes;
  }

  /** For the next try. A stream is opened by the first. */
  next(maxBytes: number, idleMs: number, observer: BodyObserver): Buffer | Readable | null {
    if (this.#body.whole !== null || this.#body.declaredBytes === 0) return this.#body.whole;
    this.#source ??= this.#body.open(maxBytes, idleMs, observer);
    if (this.#keepBytes === -1) return this.#source;
    this.#kept ??= new KeptBody(this.#source, this.#keepBytes);
    return this.#kept.next();
  }

  /** All of it can be sent once more. */
  get isRepeatable(): boolean {
    return this.#kept === null ? this.#source === null : this.#kept.isWhole;
  }

  destroy(): void {
    this.#source?.destroy();
  }
}

/**
 * A stream of which each try gets a copy: first what the tries before it have read, then the rest as it comes. What undici
 * does to the copy of an aborted try does not reach the stream.
 */
class KeptBody {
  readonly #source: Readable;
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #copy: BodyCopy | null = null;
  #hasEnded = false;
  /** Nothing has been let go. */
  isWhole = true;

  constructor(source: Readable, limit: number) {
    this.#source = source;
    this.#limit = limit;
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    source.on('end', () => {
      this.#hasEnded = true;
      this.#copy?.push(null);
    });
    source.pause();
  }

  next(): Readable {
    this.#copy = new BodyCopy(this);
    for (const chunk of this.#chunks) this.#copy.push(chunk);
    if (this.#hasEnded) this.#copy.push(null);
    return this.#copy;
  }

  wanted(copy: BodyCopy): void {
    if (copy === this.#copy && !this.#hasEnded) this.#source.resume();
  }

  left(copy: BodyCopy): void {
    if (copy !== this.#copy) return;
    this.#copy = null;
    this.#source.pause();
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limit) {
      this.isWhole = false;
      this.#chunks = [];
    } else {
      this.#chunks.push(chunk);
    }
    if (this.#copy === null || !this.#copy.push(chunk)) this.#source.pause();
  }
}

class BodyCopy extends Readable {
  readonly #body: KeptBody;

  constructor(body: KeptBody) {
    super({ highWaterMark: 64 * 1024 });
    this.#body = body;
  }

  override _read(): void {
    this.#body.wanted(this);
  }

  override _destroy(_error: Error | null, done: (error: Error | null) => void): void {
    this.#body.left(this);
    // An aborted try is no news to anybody.
    done(null);
  }
}
