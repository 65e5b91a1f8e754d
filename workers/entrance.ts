/** What a connection goes through before it may speak HTTP: the limit for its address, and TLS where that is configured. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { normalizeIp } from '../src/core/ip.ts';
import type { HandshakeFailure } from '../src/tls/handshake-failures.ts';
import { ConnectionsPerIp } from './connections-per-ip.ts';
import type { DoorKeeper, TlsDoor } from './tls-door.ts';

export interface EntranceSettings {
  readonly maxConnectionsPerIp: number;
  /** Proxies in front, which bring the connections of many clients, are not limited. */
  readonly isTrusted: ((ip: string) => boolean) | null;
  /** Null: plain HTTP. */
  readonly door: TlsDoor | null;
}

/** A connection on which requests may come. */
export interface Arrival {
  readonly socket: Socket;
  /** The TCP connection: `socket` itself without TLS. */
  readonly transport: Socket;
  readonly peerIp: string;
  readonly scheme: 'http' | 'https';
  /** Who the client's certificate says that it is; empty: nobody. */
  readonly consumer: string;
}

export type ConnectionRefusal = 'max_connections' | 'max_connections_per_ip';

/** Who counts what does not come in. */
export interface EntranceObserver {
  connectionRefused(reason: ConnectionRefusal, peerIp: string): void;
  handshakeFailed(failure: HandshakeFailure, peerIp: string, code: string): void;
}

export class Entrance implements DoorKeeper {
  readonly #observer: EntranceObserver;
  readonly #opened: (arrival: Arrival) => void;
  readonly #perIp = new ConnectionsPerIp();
  /** Connections whose handshake is under way, with their addresses. */
  readonly #shaking = new Map<Socket, string>();
  #settings: EntranceSettings = { maxConnectionsPerIp: 0, isTrusted: null, door: null };
  #ticketKeys: Buffer | null = null;
  /** Connections so far. */
  accepted = 0;

  /** Takes the place of what `server` does with a new connection; `opened` is called once it may speak HTTP. */
  constructor(server: Server, observer: EntranceObserver, opened: (arrival: Arrival) => void) {
    this.#observer = observer;
    const serveHttp = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
    server.removeAllListeners('connection');
    this.#opened = (arrival) => {
      for (const serve of serveHttp) serve.call(server, arrival.socket);
      opened(arrival);
    };
    server.on('connection', (transport) => this.#accept(transport));
    server.on('drop', (connection) => observer.connectionRefused('max_connections', connection?.remoteAddress ?? ''));
  }

  /** Connections whose handshake has not ended. */
  get shaking(): number {
    return this.#shaking.size;
  }

  /** Holds for connections that come from now on. */
  configure(settings: EntranceSettings): void {
    const { door } = settings;
    if (door !== null && door !== this.#settings.door) {
      if (this.#ticketKeys !== null) door.setTicketKeys(this.#ticketKeys);
      door.open(this);
    }
    this.#settings = settings;
  }

  setTicketKeys(keys: Buffer): void {
    this.#ticketKeys = keys;
    this.#settings.door?.setTicketKeys(keys);
  }

  /** While draining: connections on which nobody has said anything are not waited for. */
  closeSilent(): void {
    for (const transport of this.#shaking.keys()) if (transport.bytesRead === 0) transport.destroy();
  }

  cut(): void {
    for (const transport of this.#shaking.keys()) transport.destroy();
  }

  handshakeDone(socket: Socket, transport: Socket, consumer: string): void {
    const peerIp = this.#shaking.get(transport);
    // It has closed in the same turn.
    if (peerIp === undefined) return;
    this.#shaking.delete(transport);
    this.#opened({ socket, transport, peerIp, scheme: 'https', consumer });
  }

  handshakeFailed(transport: Socket, failure: HandshakeFailure, code: string): void {
    this.#observer.handshakeFailed(failure, this.#shaking.get(transport) ?? '', code);
  }

  #accept(transport: Socket): void {
    this.accepted++;
    const peerIp = normalizeIp(transport.remoteAddress ?? '');
    const { maxConnectionsPerIp: max, isTrusted, door } = this.#settings;
    const count = this.#perIp.enter(peerIp);
    transport.on('close', () => this.#perIp.leave(peerIp));
    if (max > 0 && count > max && isTrusted?.(peerIp) !== true) {
      transport.destroy();
      this.#observer.connectionRefused('max_connections_per_ip', peerIp);
      return;
    }
    if (door === null) {
      this.#opened({ socket: transport, transport, peerIp, scheme: 'http', consumer: '' });
      return;
    }
    this.#shaking.set(transport, peerIp);
    transport.on('close', () => this.#shaking.delete(transport));
    door.admit(transport);
  }
}
