/** The client's side of an exchange over node:http: what the pipeline says becomes calls on a ServerResponse. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Exchange } from '../src/contracts/exchange.ts';
import type { ReplyObserver, TunnelEnd, UpgradeReply } from '../src/contracts/reply.ts';
import { lingerOnClose } from './linger.ts';
import { reasonOf } from './reasons.ts';

export class NodeReply implements UpgradeReply {
  observer: ReplyObserver | null = null;
  /** The exchange whose bytesOut grows; null for a request that never became one. */
  exchange: Exchange | null = null;
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  readonly #early: Buffer;
  /** The head has been given to node, which keeps it until the first byte of body. */
  #headPending = false;
  #delimitedByClose = false;

  constructor(response: ServerResponse, socket: Socket, early: Buffer = noBytes) {
    this.#response = response;
    this.#socket = socket;
    this.#early = early;
    (response as WithReply)[replyOf] = this;
    response.on('close', tellClosed);
    response.on('drain', tellDrained);
  }

  get begun(): boolean {
    return this.#response.headersSent;
  }

  get persistentByDefault(): boolean {
    return this.#response.req.httpVersionMinor === 1;
  }

  informational(status: number, headers: readonly string[]): void {
    if (!this.persistentByDefault || this.begun) return;
    let head = `HTTP/1.1 ${status} ${reasonOf(status)}\r\n`;
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    this.#socket.write(`${head}\r\n`, 'latin1');
  }

  head(status: number, reason: string, headers: string[]): void {
    const response = this.#response;
    response.writeHead(status, reason === '' ? reasonOf(status) : reason, headers);
    this.#headPending = true;
    this.#delimitedByClose = !this.persistentByDefault && !hasLength(headers);
    process.nextTick(flushHead, this);
  }

  data(chunk: Uint8Array): boolean {
    this.#headPending = false;
    if (this.exchange !== null) this.exchange.bytesOut += chunk.length;
    return this.#response.write(chunk);
  }

  end(trailers: readonly string[] | null): void {
    this.#headPending = false;
    if (trailers !== null && this.persistentByDefault) this.#response.addTrailers(pairs(trailers));
    this.#response.end();
  }

  whole(status: number, headers: string[], body: Buffer): void {
    const response = this.#response;
    if (status !== 204 && status !== 304) headers.push('Content-Length', String(body.length));
    response.writeHead(status, reasonOf(status), headers);
    if (response.req.method === 'HEAD' || body.length === 0) {
      response.end();
      return;
    }
    if (this.exchange !== null) this.exchange.bytesOut += body.length;
    response.end(body);
  }

  abort(): void {
    // A close that a client could take for the end of the answer must be a reset.
    if (this.#delimitedByClose) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  closeConnection(): void {
    this.#response.shouldKeepAlive = false;
    if (!this.#response.req.complete) lingerOnClose(this.#socket);
  }

  switchProtocols(headers: readonly string[]): TunnelEnd {
    const socket = this.#socket;
    const response = this.#response;
    response.removeListener('close', tellClosed);
    response.detachSocket(socket);
    let head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    socket.write(`${head}\r\n`, 'latin1');
    return { socket: socket as Duplex, early: this.#early };
  }

  /** A head whose body lets wait for itself goes out alone: an event stream begins before its first event. */
  flush(): void {
    if (!this.#headPending || this.#response.writableEnded) return;
    this.#headPending = false;
    // Not flushHeaders: it would send bytes above 0x7f as UTF-8.
    this.#response.write(noBytes);
  }
}

const replyOf = Symbol('reply');
interface WithReply {
  [replyOf]?: NodeReply;
}

const noBytes = Buffer.alloc(0);

function flushHead(reply: NodeReply): void {
  reply.flush();
}

function tellClosed(this: ServerResponse): void {
  (this as WithReply)[replyOf]?.observer?.replyClosed();
}

function tellDrained(this: ServerResponse): void {
  (this as WithReply)[replyOf]?.observer?.replyDrained();
}

function hasLength(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.length === 14 && name.toLowerCase() === 'content-length') return true;
  }
  return false;
}

/** node wants trailers as pairs where names may come twice. */
function pairs(flat: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) list.push([flat[i] as string, flat[i + 1] as string]);
  return list;
}
