/**
 * The connections to one target: an undici `Client` each, so that whoever sends knows whether its socket has served
 * before, and a waiting attempt can be withdrawn. The connection used last is used next: a quiet pool shrinks by itself.
 */
import type { Duplex } from 'node:stream';
import { Client, type Dispatcher } from 'undici';
import type { Priority } from '../contracts/config.ts';
import type { ConnectionCounts } from '../contracts/insight.ts';
import type { Attempt, Connection, ConnectionPool } from '../contracts/upstream.ts';
import { normalizeIp } from '../core/ip.ts';
import { type Connector, type ConnectorOptions, createConnector } from './connector.ts';
import { WaitingLine } from './waiting-line.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface PoolOptions extends ConnectorOptions {
  readonly origin: string;
  readonly maxConnections: number;
  readonly maxPending: number;
  /** Largest response head, bytes. */
  readonly maxHeaderBytes: number;
  /** Knows the lines of all pools. */
  readonly room: Pick<WaitingRoom, 'note'>;
}

/** Idle time after which a connection is closed, ms; below the 5 s of Node's own servers, so that they rarely close first. */
const keepAliveMs = 4_000;
/** An upstream's `Keep-Alive: timeout=N` may stretch it so far, ms. */
const keepAliveMaxMs = 60_000;

export class TargetPool implements ConnectionPool {
  readonly #options: PoolOptions;
  readonly #connector: Connector;
  /** Free connections, the one used last on top. */
  readonly #free: ClientConnection[] = [];
  readonly #all = new Set<ClientConnection>();
  readonly #line = new WaitingLine();
  #closed = false;
  #tunnels = 0;
  /** Those of the target's name; null: as good as any. */
  #addresses: ReadonlySet<string> | null = null;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#connector = createConnector(options);
  }

  get inFlight(): number {
    return this.#all.size - this.#free.length + this.#line.length;
  }

  get tunnels(): number {
    return this.#tunnels;
  }

  /** Counted when somebody looks. */
  count(): ConnectionCounts {
    return {
      busy: this.#all.size - this.#free.length,
      idle: this.#free.filter(({ isOpen }) => isOpen).length,
      waiting: this.#line.length,
      webSockets: this.#tunnels,
    };
  }

  hasRoom(priority: Priority): boolean {
    const { maxConnections, maxPending } = this.#options;
    if (this.#free.length > 0 || this.#all.size < maxConnections) return true;
    return this.#line.length < maxPending || this.#line.hasBelow(priority);
  }

  dispatch(options: Dispatcher.DispatchOptions, attempt: Attempt): void {
    const connection = this.#free.pop() ?? this.#open();
    if (connection === null) this.#lineUp(options, attempt);
    else connection.send(options, attempt);
  }

  withdraw(attempt: Attempt): boolean {
    const waited = this.#line.remove(attempt);
    if (waited) this.#options.room.note(this.#line);
    return waited;
  }

  /** Takes a connection back, and gives it to whoever is first in the line. Called by the connection alone. */
  takeBack(returned: ClientConnection): void {
    const isLeft = this.#isLeft(returned);
    if (isLeft) this.#drop(returned);
    const next = this.#line.takeFirst();
    if (next !== null) {
      this.#options.room.note(this.#line);
      // What is dropped makes room for another one.
      const connection = isLeft ? (this.#open() as ClientConnection) : returned;
      connection.send(next.options, next.attempt);
      return;
    }
    if (isLeft) return;
    if (this.#closed) this.#drop(returned);
    else this.#free.push(returned);
  }

  /** Counts a tunnel until it closes. Called by a connection alone. */
  noteTunnel(socket: Duplex): void {
    this.#tunnels++;
    socket.once('close', () => this.#tunnels--);
  }

  /** The target's name has these addresses now: connections to others are closed, those in use when they come back. */
  keepOnly(addresses: readonly string[]): void {
    this.#addresses = new Set(addresses.map(normalizeIp));
    for (const connection of this.#free.splice(0)) {
      if (this.#isLeft(connection)) this.#drop(connection);
      else this.#free.push(connection);
    }
  }

  /** Closes idle connections now and each busy one when it comes back: called when no config names the target any more. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#free.splice(0)) this.#drop(connection);
  }

  #lineUp(options: Dispatcher.DispatchOptions, attempt: Attempt): void {
    const isFull = this.#line.length >= this.#options.maxPending;
    const displaced = isFull ? this.#line.takeLastBelow(attempt.priority) : null;
    this.#line.add(options, attempt);
    this.#options.room.note(this.#line);
    // Last: it looks for another place at once.
    if (displaced !== null) displaced.attempt.turnedAway('displaced');
  }

  #open(): ClientConnection | null {
    if (this.#all.size >= this.#options.maxConnections) return null;
    const connection = new ClientConnection(this, this.#options, this.#connector);
    this.#all.add(connection);
    return connection;
  }

  #isLeft({ address }: ClientConnection): boolean {
    return this.#addresses !== null && address !== null && !this.#addresses.has(address);
  }

  #drop(connection: ClientConnection): void {
    this.#all.delete(connection);
    connection.destroy();
  }
}

/** One slot of the pool: a client that connects when it is needed, and connects again when its socket has gone. */
class ClientConnection implements Connection {
  requests = 0;
  reset = false;
  /** Of the socket in use, or the last one. */
  address: string | null = null;
  readonly #pool: TargetPool;
  readonly #client: Client;

  constructor(pool: TargetPool, options: PoolOptions, connector: Connector) {
    this.#pool = pool;
    this.#client = new Client(options.origin, {
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: options.maxHeaderBytes,
      // Exchanges keep their own time, to the millisecond and across attempts.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMaxMs,
      connect: (target, done) =>
        connector(target, (error, socket) => {
          if (error !== null) {
            done(error, null);
            return;
          }
          this.requests = 0;
          this.reset = false;
          this.address = normalizeIp(socket.remoteAddress ?? '');
          socket.on('error', (failure: NodeJS.ErrnoException) => {
            if (failure.code === 'ECONNRESET') this.reset = true;
          });
          done(null, socket);
        }),
    });
  }

  /** An idle socket closes after a while, and the slot stays. */
  get isOpen(): boolean {
    return this.#client.stats.connected;
  }

  send(options: Dispatcher.DispatchOptions, attempt: Attempt): void {
    attempt.connection = this;
    this.#client.dispatch(options, attempt);
  }

  sendAgain(options: Dispatcher.DispatchOptions, attempt: Attempt): void {
    this.send(options, attempt);
  }

  release(): void {
    this.#pool.takeBack(this);
  }

  handOver(socket: Duplex): void {
    this.#pool.noteTunnel(socket);
    this.release();
  }

  destroy(): void {
    this.#client.destroy().catch(ignore);
  }
}

function ignore(): void {
  // A client that is thrown away has nobody left to tell.
}
