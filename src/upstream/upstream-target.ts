/** One server of an upstream, as a worker knows it: its address, its connections, and whether it may be chosen. */
import type { Target } from '../contracts/upstream.ts';
import type { TargetPool } from './connection-pool.ts';
import { labelOf } from './target-label.ts';

export interface TargetOptions {
  /** Origin, and a base path if need be. */
  readonly url: string;
  /** 0: gets no requests. */
  readonly weight: number;
  /** Of an upstream inside the gateway; null: host and port. */
  readonly builtin: string | null;
  readonly connections: TargetPool;
}

export class UpstreamTarget implements Target {
  readonly label: string;
  readonly hostHeader: string;
  readonly basePath: string;
  readonly servername: string | null;
  readonly connections: TargetPool;
  readonly weight: number;

  constructor({ url: text, weight, builtin, connections }: TargetOptions) {
    const url = new URL(text);
    this.label = builtin ?? labelOf(text);
    this.hostHeader = url.host;
    this.basePath = url.pathname.replace(/\/$/, '');
    // undici opens another connection when this changes, as a Host field kept from the client would make it.
    this.servername = url.protocol === 'https:' ? url.hostname.replace(/^\[|\]$/g, '') : null;
    this.connections = connections;
    this.weight = weight;
  }

  ended(): void {}
}
