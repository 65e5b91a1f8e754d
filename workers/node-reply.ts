/**
 * The client's side of an exchange over node:http. The answer's bytes are put together here, head and small body in one
 * write; node's ServerResponse only keeps the order of answers and the connection's life. (Measured: its own way, with a
 * writev and three checks per field, costs a fifth of a forwarded request's CPU; and it would send a head that is
 * flushed alone as UTF-8.)
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Exchange } from '../src/contracts/exchange.ts';
import type { ReplyObserver, TunnelEnd, UpgradeReply } from '../src/contracts/reply.ts';
import type { ClientConnection } from './client-connection.ts';
import { httpDate } from './http-date.ts';
import { lingerOnClose } from './linger.ts';
import { reasonOf } from './reasons.ts';
import { destroyAtEnd } from './upgrade.ts';

type Framing = 'none' | 'length' | 'chunked' | 'close';

/** Up to here pieces of an answer are joined before they are written, bytes. */
const joinedBytes = 16 * 1024;

export class NodeReply implements UpgradeReply {
  observer: ReplyObserver | null = null;
  begun = false;
  readonly #response: NodeResponse;
  readonly #connection: ClientConnection;
  readonly #exchange: Exchange;
  readonly #early: Buffer;
  #framing: Framing = 'none';
  /** Bytes, as latin1, that leave with the next write or at the end of this turn. */
  #joined = '';
  #flushes = false;
  #closes = false;

  constructor(response: ServerResponse, connection: ClientConnection, exchange: Exchange, early: Buffer = noBytes) {
    this.#response = response as NodeResponse;
    this.#connection = connection;
    this.#exchange = exchange;
    this.#early = early;
    connection.reply = this;
  }

  get persistentByDefault(): boolean {
    return this.#response.req.httpVersionMinor === 1;
  }

  informational(status: number, headers: readonly string[]): void {
    if (!this.persistentByDefault || this.begun) return;
    // Hints can't be held back at their source: a client that does not read them gets no more, or they would pile up here.
    if (this.#socket.writableNeedDrain) return;
    this.#socket.write(`${statusLine(status, reasonOf(status))}${hintLines(headers)}\r\n`, 'latin1');
  }

  head(status: number, reason: string, headers: readonly string[]): void {
    this.begun = true;
    const isBodyless = status === 204 || status === 304;
    let head = statusLine(status, reason === '' ? reasonOf(status) : reason);
    let hasLength = false;
    let hasDate = false;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      if (name.length === 14 && name.toLowerCase() === 'content-length') {
        // RFC 9110, section 8.6: never on a 204.
        if (status === 204) continue;
        hasLength = true;
      } else if (name.length === 4 && name.toLowerCase() === 'date') {
        hasDate = true;
      }
      head += `${name}: ${headers[i + 1]}\r\n`;
    }
    // RFC 9110, section 6.6.1: whoever has a clock adds what is missing.
    if (!hasDate) head += httpDate();
    const { timing } = this.#exchange;
    if (timing !== null) head += fieldLines(timing.fields(this.#exchange));
    this.#framing = this.#frame(isBodyless, hasLength);
    if (this.#framing === 'chunked') head += 'Transfer-Encoding: chunked\r\n';
    this.#joined = `${head}${this.#connectionField()}\r\n`;
    this.#flushLater();
  }

  data(chunk: Buffer): boolean {
    if (this.#framing === 'none') return true;
    const { length } = chunk;
    if (length === 0) return true;
    this.#exchange.bytesOut += length;
    if (this.#joined.length + length <= joinedBytes) {
      const text = chunk.toString('latin1');
      this.#joined += this.#framing === 'chunked' ? `${length.toString(16)}\r\n${text}\r\n` : text;
      this.#flushLater();
      return !this.#socket.writableNeedDrain;
    }
    if (this.#framing === 'chunked') this.#joined += `${length.toString(16)}\r\n`;
    this.#socket.cork();
    this.flush();
    let goesOn = this.#socket.write(chunk);
    if (this.#framing === 'chunked') goesOn = this.#socket.write('\r\n', 'latin1');
    this.#socket.uncork();
    return goesOn;
  }

  end(trailers: readonly string[] | null): void {
    if (this.#framing === 'chunked')
      this.#joined += trailers === null ? '0\r\n\r\n' : `0\r\n${fieldLines(trailers)}\r\n`;
    this.flush();
    this.#response.end();
    if (this.#socket.writableLength > 0) this.#expectReading();
  }

  whole(status: number, headers: readonly string[], body: Buffer): void {
    const framed = status === 204 || status === 304 ? headers : [...headers, 'Content-Length', String(body.length)];
    this.head(status, '', framed);
    this.data(body);
    this.end(null);
  }

  abort(): void {
    // A close that a client could take for the end of the answer must be a reset.
    if (this.#framing === 'close') this.#connection.transport.resetAndDestroy();
    else this.#socket.destroy();
  }

  closeConnection(): void {
    this.#closes = true;
    // Past the head the client can't be told any more, but the connection is closed all the same.
    if (this.begun) this.#response._last = true;
    if (!this.#response.req.complete) lingerOnClose(this.#socket);
  }

  /** connection: a drain has begun. */
  isLastNow(): void {
    if (!this.begun) this.closeConnection();
  }

  switchProtocols(headers: readonly string[]): TunnelEnd {
    const socket = this.#socket;
    this.begun = true;
    this.#connection.becomeTunnel();
    socket.removeListener('readable', destroyAtEnd);
    this.#response.detachSocket(socket);
    const { timing } = this.#exchange;
    const timed = timing === null ? '' : fieldLines(timing.fields(this.#exchange));
    socket.write(`${switching}${fieldLines(headers)}${timed}\r\n`, 'latin1');
    return { socket, early: this.#early };
  }

  /** Called at the end of a turn: an event stream's head leaves before its first event. */
  flush(): void {
    this.#flushes = false;
    const joined = this.#joined;
    if (joined === '') return;
    this.#joined = '';
    this.#socket.write(joined, 'latin1');
  }

  /** connection: the socket takes more. */
  drained(): void {
    this.observer?.replyDrained();
  }

  /** connection: the answer is complete and written, or the client has gone. */
  closed(): void {
    this.#joined = '';
    this.observer?.replyClosed();
  }

  /** A client that reads nothing for timeouts.idle is not waited for: whoever made the answer is through with it. */
  #expectReading(): void {
    const socket = this.#socket;
    socket.setTimeout(this.#exchange.config.idleMs, destroyStalled);
    // Before node, at the answer's end, sets the time that the connection may be idle.
    this.#response.prependListener('finish', () => socket.setTimeout(0, destroyStalled));
  }

  get #socket(): Socket {
    return this.#connection.socket;
  }

  #frame(isBodyless: boolean, hasLength: boolean): Framing {
    if (isBodyless || this.#response.req.method === 'HEAD') return 'none';
    if (hasLength) return 'length';
    return this.persistentByDefault ? 'chunked' : 'close';
  }

  #connectionField(): string {
    const response = this.#response;
    // Marks the head as sent: node adds nothing, and ends the answer when the socket has taken what is written.
    response._header = 'sent';
    response._headerSent = true;
    if (response.shouldKeepAlive && !this.#closes && this.#framing !== 'close') return this.#connection.keepAliveField;
    response._last = true;
    return 'Connection: close\r\n';
  }

  #flushLater(): void {
    if (this.#flushes) return;
    this.#flushes = true;
    process.nextTick(flushReply, this);
  }
}

/** The parts of ServerResponse that its own serialiser writes; test/gateway has a test for every behaviour they carry. */
interface NodeResponse extends ServerResponse {
  _header: string | null;
  _headerSent: boolean;
  _last: boolean;
}

const noBytes = Buffer.alloc(0);
const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';

function flushReply(reply: NodeReply): void {
  reply.flush();
}

function destroyStalled(this: Socket): void {
  this.destroy();
}

function statusLine(status: number, reason: string): string {
  return `HTTP/1.1 ${status} ${reason}\r\n`;
}

function fieldLines(headers: readonly string[]): string {
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return lines;
}

/** RFC 9110, section 8.6: never Content-Length on a 1xx; whoever believed it would take the answer for a body. */
function hintLines(headers: readonly string[]): string {
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.toLowerCase() !== 'content-length') lines += `${name}: ${headers[i + 1]}\r\n`;
  }
  return lines;
}
