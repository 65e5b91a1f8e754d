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

/** Of a body's first memory, which is of the plain kind: bodies up to here are checked on the event loop. */
const firstBytes = 64 * 1024;
/** It grows by so much at a time. */
const stepBytes = 1024 * 1024;

/**
 * One body as it grows. Beyond its first bytes its memory is shared with the threads, so that handing it over to be
 * checked costs nothing, and grows where it is: addresses are reserved for all that may come, memory is taken for what
 * does come. (Copied into ever larger buffers, 10 MB would hold up the event loop for some ten milliseconds.)
 */
export class GrowingBody {
  readonly #room: CollectedBodies;
  readonly #mostBytes: number;
  #shared: SharedArrayBuffer | null = null;
  #buffer: Buffer = noBytes;
  #length = 0;

  /** `mostBytes`: more is never added. */
  constructor(room: CollectedBodies, mostBytes: number) {
    this.#room = room;
    this.#mostBytes = mostBytes;
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
    this.#shared = null;
    this.#buffer = noBytes;
    this.#length = 0;
  }

  #grow(least: number): boolean {
    const step = least <= firstBytes ? firstBytes : stepBytes;
    const capacity = Math.min(Math.ceil(least / step) * step, this.#mostBytes);
    const more = capacity - this.#buffer.length;
    if (!this.#room.take(more)) return false;
    const grown = this.#reserve(capacity);
    if (grown !== null) {
      this.#buffer = grown;
      return true;
    }
    this.#room.giveBack(more);
    return false;
  }

  /** The same bytes, with space behind them; null: the process can't have as much. */
  #reserve(capacity: number): Buffer | null {
    if (capacity <= firstBytes) return Buffer.allocUnsafeSlow(capacity);
    try {
      if (this.#shared !== null) {
        this.#shared.grow(capacity);
        return Buffer.from(this.#shared, 0, capacity);
      }
      this.#shared = new SharedArrayBuffer(capacity, { maxByteLength: this.#mostBytes });
    } catch {
      return null;
    }
    const buffer = Buffer.from(this.#shared, 0, capacity);
    this.#buffer.copy(buffer, 0, 0, this.#length);
    return buffer;
  }
}

const noBytes = Buffer.alloc(0);
