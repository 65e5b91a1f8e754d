/**
 * The worker's side of the listening port: node:http with a strict parser, one request at a time per connection, and
 * an answer of our own for everything that is no request.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import type { Refusal } from '../src/contracts/refusal.ts';
import { closingRefusal } from '../src/core/refusals.ts';
import { headTooLarge, targetTooLong } from '../src/pipeline/admit.ts';
import { ClientConnection, connectionOf, type WaitingRequest } from './client-connection.ts';
import { type Arrival, Entrance, type EntranceObserver, type EntranceSettings } from './entrance.ts';
import { destroyLater, lingerThenDestroy } from './linger.ts';
import { acceptsUpgrade, asksForWebSocket, destroyAtEnd, hasBody, isOtherProtocol } from './upgrade.ts';

export interface ListenerSettings extends EntranceSettings {
  /** A complete request head, ms; 0: none. */
  readonly headersMs: number;
  /** Silence between requests, ms; 0: none. */
  readonly idleMs: number;
  /** Per worker; 0: none. */
  readonly maxConnections: number;
  /** What the parser lets through at most; admit draws the exact lines. */
  readonly maxHeadBytes: number;
}

/** Who takes the requests. */
export interface RequestTaker {
  take(request: WaitingRequest, connection: ClientConnection): void;
  /** Bytes that are no request: answered with `refused`, counted, and the connection closed. */
  refuseBytes(refused: Refusal, connection: ClientConnection): void;
}

/** How often node looks for heads that take too long, ms. It can't be changed later. */
const checkEveryMs = 250;
/** After the listener has closed, a connection this long silent is closed, ms. */
const drainSilenceMs = 1_000;
const sweepEveryMs = 100;
/** The backlog is empty when so many turns of the loop brought nobody; a flood is not waited out for longer than this, ms. */
const quietTurns = 4;
const acceptRestMs = 500;

export class Listener {
  readonly #server: Server;
  readonly #taker: RequestTaker;
  readonly #entrance: Entrance;
  readonly #connections = new Set<ClientConnection>();
  #keepAliveField = '';
  #sweep: NodeJS.Timeout | null = null;
  #drainedAt: (() => void) | null = null;

  constructor(taker: RequestTaker, settings: ListenerSettings, observer: EntranceObserver) {
    this.#taker = taker;
    this.#server = createServer({
      insecureHTTPParser: false,
      requireHostHeader: false,
      // Requests without a body skip the life cycle of a stream.
      optimizeEmptyRequests: true,
      connectionsCheckingInterval: checkEveryMs,
      requestTimeout: 0,
      noDelay: true,
      shouldUpgradeCallback: acceptsUpgrade,
    } as Parameters<typeof createServer>[0]);
    // Beyond node's default limit fields would be dropped without a word; admit counts them.
    this.#server.maxHeadersCount = 0;
    this.#entrance = new Entrance(this.#server, observer, (arrival) => this.#opened(arrival));
    this.configure(settings);
    this.#server.on('request', (request, response) => this.#arrived(request, response, null, false));
    this.#server.on('checkContinue', (request, response) => this.#arrived(request, response, null, true));
    this.#server.on('checkExpectation', (request, response) => this.#arrived(request, response, null, false));
    this.#server.on('upgrade', (request, _socket, early) => this.#detached(request, early));
    this.#server.on('connect', (request, _socket, early) => this.#detached(request, early));
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#broken(error, socket));
  }

  /** Takes up the settings; node reads some of them once per connection. */
  configure(settings: ListenerSettings): void {
    const server = this.#server as Server & { maxHeaderSize: number };
    server.headersTimeout = settings.headersMs;
    server.keepAliveTimeout = settings.idleMs;
    this.#keepAliveField = keepAliveField(settings.idleMs);
    server.maxHeaderSize = settings.maxHeadBytes;
    this.#entrance.configure(settings);
    server.maxConnections = settings.maxConnections === 0 ? Number.POSITIVE_INFINITY : settings.maxConnections;
  }

  /** What TLS sessions are resumed with, on every worker; 48 bytes. */
  setTicketKeys(keys: Buffer): void {
    this.#entrance.setTicketKeys(keys);
  }

  /** `handle` is a copy of the supervisor's bound socket. */
  listen(handle: unknown, backlog: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(handle as never, backlog, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /**
   * Closes the listener; each connection follows when it has been silent for a second and nothing of a request has
   * arrived on it. Resolves when the last one has gone.
   */
  async drain(): Promise<void> {
    this.closeAfterAnswers();
    await this.#acceptRest();
    // http.Server.close would also cut idle connections at once, in the middle of a request that is on its way.
    (Object.getPrototypeOf(Object.getPrototypeOf(this.#server)) as Server).close.call(this.#server);
    const drainAt = performance.now();
    return new Promise((resolve) => {
      this.#drainedAt = resolve;
      this.#sweep = setInterval(() => this.#closeSilent(drainAt), sweepEveryMs);
      this.#closeSilent(drainAt);
    });
  }

  /** Answers whose heads have not been sent yet close their connections, as those of requests that are yet to come will. */
  closeAfterAnswers(): void {
    for (const connection of this.#connections) connection.draining();
  }

  /** Ends every connection now. */
  cut(): void {
    this.#entrance.cut();
    for (const connection of this.#connections) connection.socket.destroy();
  }

  /** What waits in the backlog would be reset with the socket. libuv accepts one connection a turn. */
  async #acceptRest(): Promise<void> {
    const endsAt = performance.now() + acceptRestMs;
    let seen = -1;
    while (this.#entrance.accepted !== seen && performance.now() < endsAt) {
      seen = this.#entrance.accepted;
      for (let turn = 0; turn < quietTurns; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #closeSilent(drainAt: number): void {
    const now = performance.now();
    for (const connection of this.#connections) {
      if (connection.silentSince(drainAt, now) >= drainSilenceMs) connection.close();
    }
    if (now - drainAt >= drainSilenceMs) this.#entrance.closeSilent();
    if (this.#connections.size + this.#entrance.shaking === 0) this.#endDrain();
  }

  #endDrain(): void {
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#sweep = null;
    this.#drainedAt?.();
    this.#drainedAt = null;
  }

  #opened(arrival: Arrival): void {
    const connection = new ClientConnection(arrival, this.#keepAliveField, (answered) => this.#answered(answered));
    this.#connections.add(connection);
    arrival.socket.on('close', () => this.#closed(connection));
    // Behind a client's last word its reset is not heard any more, and over TLS what is being written then never ends.
    if (arrival.scheme === 'https') arrival.socket.once('end', destroyLater);
  }

  #closed(connection: ClientConnection): void {
    connection.closed();
    this.#connections.delete(connection);
    if (this.#drainedAt !== null && this.#connections.size + this.#entrance.shaking === 0) this.#endDrain();
  }

  #arrived(request: IncomingMessage, response: ServerResponse, early: Buffer | null, waits: boolean): void {
    const connection = connectionOf(request.socket);
    const waiting = { request, response, early, waits, isHttp: !isOtherProtocol(request) };
    if (connection.take(waiting)) this.#begin(waiting, connection);
  }

  #begin(waiting: WaitingRequest, connection: ClientConnection): void {
    connection.follow(waiting.response);
    this.#taker.take(waiting, connection);
  }

  /** The next of the requests that came behind one another, or what was wrong with the bytes behind them. */
  #answered(connection: ClientConnection): void {
    const next = connection.next();
    if (next === null) return;
    if ('request' in next) this.#begin(next, connection);
    else this.#taker.refuseBytes(next, connection);
  }

  /** node has let go of the socket, and parses no more of it: an upgrade, or CONNECT, which admit refuses. */
  #detached(request: IncomingMessage, early: Buffer): void {
    const { socket } = request;
    const connection = connectionOf(socket);
    socket.on('error', () => socket.destroy());
    socket.setTimeout(0);
    if (connection.isBusy) {
      connection.broken(notBehind);
      return;
    }
    // Node before 24.9 hands over every upgrade: what is no WebSocket's is served as if it had asked for none.
    const isWebSocket = asksForWebSocket(request);
    if (!isWebSocket && hasBody(request)) {
      this.#taker.refuseBytes(bodyOfUpgrade, connection);
      return;
    }
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => {
      response.detachSocket(socket);
      response.emit('close');
      socket.removeListener('readable', destroyAtEnd);
      lingerThenDestroy.call(socket);
    });
    // Nobody reads it before the 101; an end would go unnoticed. What comes early waits in its buffer.
    if (isWebSocket) socket.on('readable', destroyAtEnd);
    this.#arrived(request, response, isWebSocket ? early : null, false);
  }

  /** The parser or the socket has failed. */
  #broken(error: NodeJS.ErrnoException, stream: Duplex): void {
    const connection = connectionOf(stream);
    if (connection.isClosing) return;
    const code = error.code ?? '';
    if (!code.startsWith('HPE_') && code !== 'ERR_HTTP_REQUEST_TIMEOUT') {
      stream.destroy();
      return;
    }
    const refused = refusalFor(error);
    switch (connection.broken(refused)) {
      case 'refuse now':
        // Nothing was ever said on it: a connection opened ahead of need is closed without a word.
        if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && connection.socket.bytesRead === 0) stream.destroy();
        else this.#taker.refuseBytes(refused, connection);
        break;
      case 'refuse later':
      case 'body told':
        break;
    }
  }
}

const malformed = closingRefusal('bad_request', 'this is not a valid HTTP/1.1 request');
const notBehind = closingRefusal('bad_request', 'this request can not follow another before that is answered');
const bodyOfUpgrade = closingRefusal('bad_request', 'a request with Upgrade and a body needs a newer Node here');
const headTooSlow = closingRefusal('request_timeout', 'the request head did not arrive in time');

function refusalFor(error: NodeJS.ErrnoException & { rawPacket?: Buffer }): Refusal {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return headTooSlow;
  if (error.code !== 'HPE_HEADER_OVERFLOW') return malformed;
  // The first line never ended: it was the target that was too long.
  const packet = error.rawPacket;
  const isFirstLine =
    packet !== undefined && !packet.includes(lineFeed) && /^[A-Z]+ /.test(packet.toString('latin1', 0, 20));
  return isFirstLine ? targetTooLong : headTooLarge;
}

const lineFeed = 10;

/** The hint lets a client stop using a connection before it is closed under its next request. */
function keepAliveField(idleMs: number): string {
  const seconds = Math.floor(idleMs / 1_000);
  return seconds === 0 ? 'Connection: keep-alive\r\n' : `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n`;
}
