/** A WebSocket after its 101: two sockets that carry each other's bytes until one side ends, falls silent, or a drain lets go. */
import type { Duplex } from 'node:stream';
import type { Exchange } from '../contracts/exchange.ts';
import type { TunnelEnd } from '../contracts/reply.ts';
import { FrameBoundary } from './frame-boundary.ts';
import type { OpenStream } from './job.ts';

/** A close frame with status 1001, "going away", from a server (RFC 6455, sections 5.5.1 and 7.4.1). */
const goingAway = Buffer.from([0x88, 0x02, 0x03, 0xe9]);
/** After the close frame a client gets so long to answer it, ms. */
const closeGraceMs = 1_000;

/** `ended` is called once, when both sides are gone. */
export function openTunnel(
  client: TunnelEnd,
  upstream: Duplex,
  x: Exchange,
  idleMs: number,
  ended: () => void,
): OpenStream {
  const tunnel = new Tunnel(client.socket, upstream, x, idleMs, ended);
  tunnel.start(client.early);
  return tunnel;
}

class Tunnel implements OpenStream {
  readonly #client: Duplex;
  readonly #upstream: Duplex;
  readonly #x: Exchange;
  readonly #idleMs: number;
  readonly #ended: () => void;
  readonly #boundary = new FrameBoundary();
  #timer: NodeJS.Timeout | null = null;
  #openSides = 2;
  #closing: 'no' | 'at the next boundary' | 'sent' = 'no';

  constructor(client: Duplex, upstream: Duplex, x: Exchange, idleMs: number, ended: () => void) {
    this.#client = client;
    this.#upstream = upstream;
    this.#x = x;
    this.#idleMs = idleMs;
    this.#ended = ended;
  }

  start(early: Buffer): void {
    const { x, client, upstream } = { x: this.#x, client: this.#client, upstream: this.#upstream };
    for (const side of [client, upstream]) {
      // A peer that resets its end is an end, not an error (a restarted backend must not end the worker).
      side.on('error', () => side.destroy());
      side.on('close', () => this.#sideClosed());
    }
    client.on('data', (chunk: Buffer) => {
      x.bytesIn += chunk.length;
      this.#touch();
      if (!upstream.write(chunk)) client.pause();
    });
    upstream.on('data', (chunk: Buffer) => this.#fromUpstream(chunk));
    client.on('drain', () => upstream.resume());
    upstream.on('drain', () => client.resume());
    client.on('end', () => upstream.end());
    upstream.on('end', () => {
      if (this.#closing !== 'sent') client.end();
    });
    if (early.length > 0) {
      x.bytesIn += early.length;
      upstream.write(early);
    }
    this.#touch();
    client.resume();
    upstream.resume();
  }

  letGo(): void {
    if (this.#closing !== 'no') return;
    this.#closing = 'at the next boundary';
    if (this.#boundary.between) this.#sendGoingAway(emptyChunk);
  }

  #fromUpstream(chunk: Buffer): void {
    if (this.#closing === 'sent') return;
    this.#touch();
    if (this.#closing === 'no') {
      this.#boundary.pass(chunk);
      this.#toClient(chunk);
      return;
    }
    const frameEnd = this.#boundary.firstBoundary(chunk);
    if (frameEnd === -1) this.#toClient(chunk);
    else this.#sendGoingAway(chunk.subarray(0, frameEnd));
  }

  #toClient(chunk: Buffer): void {
    this.#x.bytesOut += chunk.length;
    if (!this.#client.write(chunk)) this.#upstream.pause();
  }

  /** Frames can't be cut: the present one is completed, then comes the close frame, and nothing more from the upstream. */
  #sendGoingAway(rest: Buffer): void {
    this.#closing = 'sent';
    if (rest.length > 0) this.#toClient(rest);
    this.#client.write(goingAway);
    this.#stopTimer();
    this.#timer = setTimeout(() => this.#destroyBoth(), closeGraceMs);
    // The client answers with its own close frame, which goes on to the upstream, and ends the connection.
    this.#client.on('end', () => this.#destroyBoth());
  }

  #touch(): void {
    if (this.#closing === 'sent' || this.#idleMs === Number.POSITIVE_INFINITY) return;
    if (this.#timer === null) this.#timer = setTimeout(() => this.#destroyBoth(), this.#idleMs);
    else this.#timer.refresh();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #destroyBoth(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  #sideClosed(): void {
    this.#openSides--;
    this.#destroyBoth();
    if (this.#openSides > 0) return;
    this.#stopTimer();
    this.#ended();
  }
}

const emptyChunk = Buffer.alloc(0);
