/** Opens sockets to upstreams: DNS with its own deadline, then TCP and TLS with theirs. */
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
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
  return buildConnector({
    allowH2: false,
    // undici's own clock starts with the lookup, which has a deadline of its own.
    timeout: options.connectMs === 0 ? 0 : options.connectMs + options.dnsMs,
    lookup: options.dnsMs === 0 ? systemLookup : lookupWithin(options.dnsMs),
    autoSelectFamily: true,
    keepAlive: true,
  }) as Connector;
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
