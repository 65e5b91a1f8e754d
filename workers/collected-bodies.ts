/** What a worker holds of bodies that are collected, to be checked as a whole: counted, and bounded for all of them together. */

/** Of one worker: 25 bodies of the default maxBodySize, and hundreds of usual ones. */
const mostBytes = 256 * 1024 * 1024;

export class CollectedBodies {
  readonly #changed: (bytes: number) => void;
  readonly #mostBytes: number;
  #bytes = 0;

  /** `changed` is told by how much the sum goes up or down. */
  constructor(changed: (bytes: number) => void, most = mostBytes) {
    this.#changed = changed;
    this.#mostBytes = most;
  }

  /** False: there is no room for as many more. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#mostBytes) return false;
    this.#bytes += bytes;
    this.#changed(bytes);
    return true;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
    this.#changed(-bytes);
  }
}

/** A first guess, also for bodies that declare more: what is declared may never come. */
const firstBytes = 64 * 1024;

/**
 * One body as it grows. Its memory is shared with the threads, so that handing a body over to be checked costs nothing;
 * it doubles as long as the body does, which copies each byte about once.
 */
export class GrowingBody {
  readonly #room: CollectedBodies;
  readonly #expectedBytes: number;
  #buffer: Buffer = noBytes;
  #length = 0;

  /** `expectedBytes`: what the client declares; null: nothing. */
  constructor(room: CollectedBodies, expectedBytes: number | null) {
    this.#room = room;
    this.#expectedBytes = expectedBytes ?? Number.POSITIVE_INFINITY;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** False: there is no room; nothing was added. */
  add(chunk: Buffer): boolean {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length && !this.#grow(length)) return false;
    chunk.copy(this.#buffer, this.#length);
    this.#length = length;
    return true;
  }

  /** Its memory counts no more. */
  release(): void {
    this.#room.giveBack(this.#buffer.length);
    this.#buffer = noBytes;
    this.#length = 0;
  }

  #grow(least: number): boolean {
    const doubled = Math.max(least, 2 * this.#buffer.length, firstBytes);
    const capacity = Math.max(least, Math.min(doubled, this.#expectedBytes));
    if (!this.#room.take(capacity)) return false;
    this.#room.giveBack(this.#buffer.length);
    const grown = Buffer.from(new SharedArrayBuffer(capacity));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    return true;
  }
}

const noBytes = Buffer.alloc(0);
