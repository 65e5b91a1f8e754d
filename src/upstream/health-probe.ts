/**
 * One health check of a target: a connection of its own, past the guard and with the upstream's TLS as a request's would
 * be, and a GET. A server that takes no new connections is not well, whatever the old ones say.
 */
import type { LookupFunction } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import type { HealthCheckConfig, UpstreamConfig } from '../contracts/config.ts';
import { upstreamTlsOptions } from '../core/upstream-tls.ts';
import type { AddressGuard } from './address-guard.ts';
import { createConnector } from './connector.ts';

export interface Probed {
  readonly upstream: string;
  readonly url: string;
  readonly tls: UpstreamConfig['tls'];
  readonly check: HealthCheckConfig;
}

/** Answers null when the target is well: 200 to 399 within the check's timeout. Else why not, for the log. Never rejects. */
export function probeTarget(
  { upstream, url, tls, check }: Probed,
  guard: AddressGuard,
  lookup: LookupFunction,
): Promise<string | null> {
  const { origin, protocol, hostname } = new URL(url);
  const isTls = protocol === 'https:';
  const client = new Client(origin, {
    allowH2: false,
    connect: createConnector({
      upstream,
      guard,
      lookup,
      connectMs: 0,
      dnsMs: 0,
      tls: isTls ? upstreamTlsOptions(tls, hostname.replace(/^\[|\]$/g, '')) : null,
    }),
  });
  return new Promise<string | null>((resolve) => {
    // Timers run before sockets are read: after a pause of the machine an answer may be there already.
    const timer = setTimeout(() => setImmediate(resolve, 'timeout'), check.timeoutMs);
    client.dispatch(
      { method: 'GET', path: check.path, headers: ['user-agent', 'sluice-health-check'], reset: true },
      new ProbeHandler((problem) => {
        clearTimeout(timer);
        resolve(problem);
      }),
    );
  }).finally(() => void client.destroy().catch(ignore));
}

/** Wants the status and nothing else: the body is not waited for. */
class ProbeHandler implements Dispatcher.DispatchHandler {
  readonly #done: (problem: string | null) => void;

  constructor(done: (problem: string | null) => void) {
    this.#done = done;
  }

  // undici insists on all of them.
  onRequestStart(): void {}
  onResponseData(): void {}
  onResponseEnd(): void {}

  onResponseStart(_controller: unknown, status: number): void {
    if (status >= 200) this.#done(status < 400 ? null : `status ${status}`);
  }

  onResponseError(_controller: unknown, error: NodeJS.ErrnoException): void {
    this.#done(error.code ?? error.name);
  }
}

function ignore(): void {
  // Nobody waits for the end of a connection that has served its purpose.
}
