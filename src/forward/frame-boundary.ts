/** Follows a stream of WebSocket frames just far enough to know where one ends (RFC 6455, section 5.2). */

export class FrameBoundary {
  /** Bytes of the present frame's header that have been seen, at most 14. */
  readonly #header = Buffer.alloc(14);
  #headerLength = 0;
  /** Payload bytes still to come. */
  #remaining = 0;

  /** No frame is under way. */
  get between(): boolean {
    return this.#headerLength === 0 && this.#remaining === 0;
  }

  pass(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
  }

  /** Index just behind the first frame that ends in this chunk, or -1; the chunk is followed only so far. */
  firstBoundary(chunk: Buffer): number {
    if (this.between) return 0;
    let at = 0;
    while (at < chunk.length) {
      at = this.#step(chunk, at);
      if (this.between) return at;
    }
    return -1;
  }

  #step(chunk: Buffer, at: number): number {
    if (this.#remaining > 0) {
      const taken = Math.min(this.#remaining, chunk.length - at);
      this.#remaining -= taken;
      return at + taken;
    }
    this.#header[this.#headerLength++] = chunk[at] as number;
    if (this.#headerLength >= 2 && this.#headerLength === headerSize(this.#header)) {
      this.#remaining = payloadLength(this.#header);
      this.#headerLength = 0;
    }
    return at + 1;
  }
}

function headerSize(header: Buffer): number {
  const length = (header[1] as number) & 0x7f;
  const mask = (header[1] as number) & 0x80 ? 4 : 0;
  return 2 + mask + (length === 126 ? 2 : length === 127 ? 8 : 0);
}

function payloadLength(header: Buffer): number {
  const length = (header[1] as number) & 0x7f;
  if (length === 126) return header.readUInt16BE(2);
  if (length === 127) return Number(header.readBigUInt64BE(2));
  return length;
}
