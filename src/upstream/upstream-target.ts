/** One server of an upstream, as a worker knows it: its address, its connections, and whether it may be chosen. */
import type { Target, TryOutcome } from '../contracts/upstream.ts';
import type { TargetPool } from './connection-pool.ts';
import type { FailureCount } from './failure-count.ts';
import { labelOf } from './target-label.ts';

export interface TargetOptions {
  /** Origin, and a base path if need be. */
  readonly url: string;
  /** 0: gets no requests. */
  readonly weight: number;
  /** Of an upstream inside the gateway; null: host and port. */
  readonly builtin: string | null;
  readonly connections: TargetPool;
  /** Null: nobody asks. */
  readonly failures: FailureCount | null;
}

export class UpstreamTarget implements Target {
  readonly url: string;
  /** Name or address, an IPv6 one without brackets. */
  readonly hostname: string;
  readonly label: string;
  readonly hostHeader: string;
  readonly basePath: string;
  readonly servername: string | null;
  readonly connections: TargetPool;
  readonly weight: number;
  readonly #failures: FailureCount | null;

  constructor({ url: text, weight, builtin, connections, failures }: TargetOptions) {
    const url = new URL(text);
    this.url = text;
    this.label = builtin ?? labelOf(text);
    this.hostname = url.hostname.replace(/^\[|\]$/g, '');
    this.hostHeader = url.host;
    this.basePath = url.pathname.replace(/\/$/, '');
    // undici opens another connection when this changes, as a Host field kept from the client would make it.
    this.servername = url.protocol === 'https:' ? this.hostname : null;
    this.connections = connections;
    this.weight = weight;
    this.#failures = failures;
  }

  ended(outcome: TryOutcome): void {
    if (this.#failures !== null) this.#failures.note(outcome);
  }

  /** It gets requests again: what was before is forgotten. */
  returned(): void {
    this.#failures?.reset();
  }
}
