/** Every message between the supervisor and a worker. Sent with `serialization: 'advanced'`, so typed arrays arrive as such. */
import type { BreakerChange } from './breaker.ts';
import type { ListenerTlsConfig, LoggingConfig } from './config.ts';
import type { WorkerInsight } from './insight.ts';
import type { PermitKind, PermitOutcome } from './permits.ts';

import type { FaultyTarget } from './target-fault.ts';

/**
 * A resolved config on its way to the workers, cut into JSON pieces so that neither side's event loop parses it in
 * one go: the first piece is everything but the routes, each further one an array of routes, in order.
 */
export type ConfigParcel = readonly Uint8Array[];

/** One series that a worker has started to count, announced before its first delta. */
export interface SeriesDefinition {
  /** Index of the series in the worker's own cells. */
  readonly cell: number;
  /** Key of the metric in the catalog. */
  readonly metric: string;
  /** Values of the metric's labels in the catalog's order. */
  readonly labels: readonly string[];
}

/** A request that stands for others in a bucket of a histogram. */
export interface ExemplarReport {
  /** The bucket's, in the worker's own cells. */
  readonly cell: number;
  /** 32 hex digits. */
  readonly traceId: string;
  /** What was counted. */
  readonly value: number;
  /** Unix time, in seconds. */
  readonly at: number;
}

export interface Health {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, 'UP' | 'DOWN' | 'DEGRADED'>>;
}

/** The asks of one turn of a worker's event loop (see src/limit/asks.ts). */
export interface AsksMessage {
  readonly type: 'asks';
  readonly batch: number;
  /** Of each rule that is asked for: max, windowMs, and 1 when it is shadowed. */
  readonly rules: readonly number[];
  /** How many rules each ask has. */
  readonly sizes: readonly number[];
  /** Index of the rule, and the name of the bucket, for all asks one after the other. */
  readonly uses: readonly number[];
  readonly buckets: readonly string[];
}

export type ToWorker =
  /** The next piece of the parcel that `config:prepare` is about: one by one, so that no message takes long to write. */
  | { readonly type: 'config:piece'; readonly piece: Uint8Array }
  /** Compile this config beside the one in force; answered by `config:prepared` or `config:refused`. */
  | { readonly type: 'config:prepare'; readonly version: number }
  /** Take up the prepared config. With the first one comes the right to accept connections. */
  | { readonly type: 'config:commit'; readonly version: number }
  | { readonly type: 'config:discard'; readonly version: number }
  /** The listening socket comes with this message as its handle. */
  | { readonly type: 'listen' }
  /** The files of `proxy.tls` have changed; each worker is told anew, also one that is born later. */
  | { readonly type: 'tls:certificates'; readonly tls: ListenerTlsConfig }
  /** 48 bytes. Given to each worker before it listens, and to all when they are replaced by new ones. */
  | { readonly type: 'tls:ticket-keys'; readonly keys: Uint8Array }
  /** What /health/ready on the proxy port answers. */
  | { readonly type: 'health'; readonly health: Health }
  /** All targets that get no requests from now on; those that are not named do. */
  | { readonly type: 'targets:faulty'; readonly targets: readonly FaultyTarget[] }
  /** Pieces of the exposition text asked for by `scrape`; the last one has `last: true`. */
  | { readonly type: 'scraped'; readonly id: number; readonly chunk: Uint8Array; readonly last: boolean }
  /** The metrics report of this number is in the registry. */
  | { readonly type: 'metrics:taken'; readonly report: number }
  /** The levels of each ask of this batch, one after the other. Batches are answered in their order. */
  | { readonly type: 'admissions'; readonly batch: number; readonly levels: readonly number[] }
  | { readonly type: 'breaker:changed'; readonly change: BreakerChange }
  | { readonly type: 'permit:answer'; readonly id: number; readonly granted: boolean }
  /** Answer with `Connection: close` from now on; keep accepting (drain's first phase). */
  | { readonly type: 'close-connections' }
  /** Stop accepting, finish what is in flight within `timeoutMs`, then cut it; answered by `drained`, then exit. */
  | { readonly type: 'drain'; readonly timeoutMs: number }
  /** The level of the log, until the next config; null: the config's. */
  | { readonly type: 'log:level'; readonly level: LoggingConfig['level'] | null }
  /** Answered by `insight`. */
  | { readonly type: 'inspect'; readonly id: number }
  | { readonly type: 'ping'; readonly id: number };

export type ToSupervisor =
  /** The worker has started and waits for a config. */
  | { readonly type: 'started' }
  /** The worker accepts connections. */
  | { readonly type: 'listening' }
  | { readonly type: 'listen:failed'; readonly error: string }
  | { readonly type: 'config:prepared'; readonly version: number }
  | { readonly type: 'config:refused'; readonly version: number; readonly error: string }
  | {
      readonly type: 'metrics';
      readonly report: number;
      readonly series: readonly SeriesDefinition[];
      readonly cells: Uint32Array;
      readonly deltas: Float64Array;
      readonly exemplars: readonly ExemplarReport[];
    }
  | { readonly type: 'scrape'; readonly id: number; readonly format: 'text' | 'openmetrics' }
  /** Of each key four numbers: tries that went well and that failed since the last report; retries under way, and room for them. */
  | { readonly type: 'tries'; readonly keys: readonly string[]; readonly numbers: Float64Array }
  /** Answered by `permit:answer`. What a worker holds when it ends comes back by itself. */
  | {
      readonly type: 'permit:ask';
      readonly id: number;
      readonly kind: PermitKind;
      readonly key: string;
      readonly room: number;
    }
  | { readonly type: 'permit:back'; readonly kind: PermitKind; readonly key: string; readonly outcome: PermitOutcome }
  /** Answered by `admissions`. */
  | AsksMessage
  /** What the worker finds of the Redis that it uses: at first, and at each change. `reason`: why it is away. */
  | { readonly type: 'redis'; readonly status: 'up' | 'away'; readonly reason: string }
  /** As many tries in a row as the config allows have failed at this target. */
  | { readonly type: 'target:failing'; readonly upstream: string; readonly url: string }
  /** Its memory has been full for too long, as a share of what it may hold. It says so again while that lasts. */
  | { readonly type: 'memory:full'; readonly share: number }
  | { readonly type: 'drained'; readonly cut: number }
  | { readonly type: 'insight'; readonly id: number; readonly insight: WorkerInsight }
  | { readonly type: 'pong'; readonly id: number };
