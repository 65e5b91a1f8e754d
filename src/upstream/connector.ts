/** Opens sockets to upstreams: past the guard, DNS with its own deadline, then TCP and TLS with theirs. */
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { buildConnector } from 'undici';
import type { AddressGuard } from './address-guard.ts';

export interface ConnectorOptions {
  /** The name of the upstream, for the log. */
  readonly upstream: string;
  /** Null: the upstream is the gateway's own, and goes unguarded. */
  readonly guard: AddressGuard | null;
  /** TCP and TLS, ms; 0: none. */
  readonly connectMs: number;
  /** Finds the addresses of a name. */
  readonly lookup: LookupFunction;
  /** One name lookup, ms; 0: none. */
  readonly dnsMs: number;
  /** Null: plain TCP. */
  readonly tls: ConnectionOptions | null;
}

export type Connector = (
  target: buildConnector.Options,
  done: (...outcome: [error: null, socket: Socket] | [error: Error, socket: null]) => void,
) => void;

/** A lookup that took longer than `timeouts.dns`. */
export const dnsTimeoutCode = 'SLUICE_DNS_TIMEOUT';

export function createConnector(options: ConnectorOptions): Connector {
  const { guard, connectMs, dnsMs, tls } = options;
  const lookup = dnsMs === 0 ? options.lookup : lookupWithin(dnsMs, options.lookup);
  const guarded = guard === null ? lookup : guard.guardLookup(lookup);
  const open = tls === null ? openPlain(guarded) : openTls(tls, guarded);
  const openInTime = connectMs === 0 ? open : openWithin(connectMs, open);
  return guard === null ? openInTime : openPast(guard, options.upstream, openInTime);
}

type OpenSocket = (...args: Parameters<Connector>) => Socket;

function openPlain(lookup: LookupFunction): OpenSocket {
  // undici returns the socket; its types keep silent about it. Its own clock would start with the lookup.
  return buildConnector({ allowH2: false, timeout: 0, lookup, autoSelectFamily: true, keepAlive: true }) as OpenSocket;
}

/** Whose name to ask for is settled here: undici would take it from the request, and so from a Host field that was kept. */
function openTls(tls: ConnectionOptions, lookup: LookupFunction): OpenSocket {
  // Of the last connection: the next handshake is a short one.
  let session: Buffer | undefined;
  return ({ hostname, port }, done) => {
    const socket = connectTls({
      ...tls,
      host: hostname,
      port: Number(port || 443),
      ALPNProtocols: ['http/1.1'],
      lookup,
      ...(session === undefined ? {} : { session }),
    });
    const fail = (error: Error): void => done(error, null);
    socket.setNoDelay(true).setKeepAlive(true, keepAliveProbeMs);
    socket.on('session', (next) => {
      session = next;
    });
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      socket.off('error', fail);
      // In TLS 1.3 our certificate is refused after the handshake: by an alert, which shall not pass for a mere close.
      socket.once('error', (error) => socket.destroy(error));
      done(null, socket);
    });
    return socket;
  };
}

const keepAliveProbeMs = 60_000;

/** node's resolver is never asked about an address in the url, so the host is judged before; and what has connected, once more. */
function openPast(guard: AddressGuard, upstream: string, open: OpenSocket): Connector {
  return (target, done) => {
    const refuse = (objection: Error): void => {
      guard.note(upstream, objection);
      done(objection, null);
    };
    const objection = guard.refuseHost(target.hostname);
    if (objection !== null) {
      // As late as any other failure to connect: whoever dispatches is not called back meanwhile.
      process.nextTick(refuse, objection);
      return;
    }
    const opening = open(target, (error, socket) => {
      const late = error ?? guard.refuseConnected(socket, target.hostname);
      if (late === null) {
        guard.note(upstream, null);
        done(null, socket as Socket);
        return;
      }
      socket?.destroy();
      refuse(late);
    });
    guard.watch(opening, target.hostname);
  };
}

/** The clock starts when the address is known: an address in the url needs no lookup. */
function openWithin(timeoutMs: number, open: OpenSocket): OpenSocket {
  return (target, done) => {
    let timer: NodeJS.Timeout | undefined;
    const socket = open(target, (...outcome) => {
      clearTimeout(timer);
      done(...outcome);
    });
    const startClock = (): void => {
      timer ??= setTimeout(giveUp, timeoutMs, socket, timeoutMs);
    };
    if (isIP(target.hostname) === 0) socket.once('lookup', startClock);
    else startClock();
    return socket;
  };
}

function giveUp(socket: Socket, timeoutMs: number): void {
  const error: NodeJS.ErrnoException = new Error(`no connection within ${timeoutMs} ms`);
  error.code = 'ETIMEDOUT';
  socket.destroy(error);
}

function lookupWithin(timeoutMs: number, lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    let answered = false;
    const timer = setTimeout(() => {
      answered = true;
      const error: NodeJS.ErrnoException = new Error(`the name ${hostname} was not resolved within ${timeoutMs} ms`);
      error.code = dnsTimeoutCode;
      callback(error, []);
    }, timeoutMs);
    lookup(hostname, options, (error, address, family) => {
      if (answered) return;
      clearTimeout(timer);
      callback(error, address as never, family);
    });
  };
}
