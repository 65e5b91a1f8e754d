/** Opens sockets to upstreams: DNS with its own deadline, then TCP and TLS with theirs. */
import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector } from 'undici';

export interface ConnectorOptions {
  /** TCP and TLS, ms; 0: none. */
  readonly connectMs: number;
  /** One name lookup, ms; 0: none. */
  readonly dnsMs: number;
}

export type Connector = (
  target: buildConnector.Options,
  done: (...outcome: [error: null, socket: Socket] | [error: Error, socket: null]) => void,
) => void;

/** A lookup that took longer than `timeouts.dns`. */
export const dnsTimeoutCode = 'SLUICE_DNS_TIMEOUT';

export function createConnector(options: ConnectorOptions): Connector {
  const open = buildConnector({
    allowH2: false,
    // undici's own clock would start with the lookup.
    timeout: 0,
    lookup: options.dnsMs === 0 ? systemLookup : lookupWithin(options.dnsMs),
    autoSelectFamily: true,
    keepAlive: true,
  }) as OpenSocket;
  return options.connectMs === 0 ? open : openWithin(options.connectMs, open);
}

/** undici returns the socket; its types keep silent about it. */
type OpenSocket = (...args: Parameters<Connector>) => Socket;

/** The clock starts when the address is known: an address in the url needs no lookup. */
function openWithin(timeoutMs: number, open: OpenSocket): Connector {
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
  };
}

function giveUp(socket: Socket, timeoutMs: number): void {
  const error: NodeJS.ErrnoException = new Error(`no connection within ${timeoutMs} ms`);
  error.code = 'ETIMEDOUT';
  socket.destroy(error);
}

function lookupWithin(timeoutMs: number): LookupFunction {
  return (hostname, options, callback) => {
    let answered = false;
    const timer = setTimeout(() => {
      answered = true;
      const error: NodeJS.ErrnoException = new Error(`the name ${hostname} was not resolved within ${timeoutMs} ms`);
      error.code = dnsTimeoutCode;
      callback(error, []);
    }, timeoutMs);
    systemLookup(hostname, options, (error, address, family) => {
      if (answered) return;
      clearTimeout(timer);
      callback(error, address as never, family);
    });
  };
}
