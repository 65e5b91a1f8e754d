/**
 * What `GET /status` on the admin listener answers: everything that `sluice top` and the page at `/` show. It holds rates
 * and percentiles, not counters, so that a viewer keeps nothing and a first look shows as much as a long one.
 */
import type { LimitDecision } from './limiter.ts';

export interface Status {
  readonly gateway: GatewayStatus;
  readonly workers: readonly WorkerStatus[];
  readonly traffic: Traffic;
}

export interface GatewayStatus {
  /** When this was said, and when the process began: ISO 8601. */
  readonly at: string;
  readonly startedAt: string;
  readonly sluice: string;
  readonly node: string;
  readonly pid: number;
  readonly ready: boolean;
  /** As `/health/ready` names them. */
  readonly checks: Readonly<Record<string, string>>;
  readonly config: { readonly file: string; readonly version: number; readonly takenUpAt: string };
  /** Null: the config is that of the start. */
  readonly lastReload: LastReload | null;
}

export interface LastReload {
  readonly at: string;
  readonly result: 'accepted' | 'rejected';
  /** Of the config in force afterwards. */
  readonly version: number;
  /** What it changed, one line each: keys and names, no values. */
  readonly changes: readonly string[];
  /** Keys whose new value waits for a restart. */
  readonly needsRestart: readonly string[];
  /** Why it was rejected. */
  readonly problems: readonly string[];
}

export interface WorkerStatus extends WorkerProcessStatus, WorkerLoad {}

/** A worker from outside. */
export interface WorkerProcessStatus {
  /** Its place: the label `worker` in metrics and logs. A worker and the one that it replaces share it for a while. */
  readonly worker: number;
  readonly pid: number;
  readonly state: 'starting' | 'serving' | 'leaving';
  readonly uptimeSeconds: number;
  /** Resident; null where the platform does not tell. */
  readonly memoryBytes: number | null;
}

/** What it says of itself; null: nothing yet. */
export interface WorkerLoad {
  readonly inFlight: number | null;
  readonly loopDelayMs: number | null;
  /** Share of what it can bear, of the cause that is nearest: see `overload`. */
  readonly pressure: number | null;
}

/** Milliseconds, interpolated in the histogram's buckets as Prometheus does; null: nothing came in that time. */
export interface Latency {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** All rates are per second, over `seconds`. */
export interface Traffic {
  readonly seconds: number;
  readonly inFlight: number;
  readonly total: TotalFlow;
  /** Of the config, in its order; then those that it no longer has, and `none`, if anything has come for them. */
  readonly routes: readonly RouteFlow[];
  readonly upstreams: readonly UpstreamFlow[];
  /** By the code that clients see: those that have ever been given. */
  readonly refusals: readonly Refusals[];
  readonly redis: 'up' | 'away' | null;
  readonly history: History;
}

export interface TotalFlow extends Latency {
  /** Since the start. */
  readonly requests: number;
  readonly rate: number;
  /** 5xx, whoever made them. */
  readonly errors: number;
  /** What the gateway refused or could not complete, by itself. */
  readonly refused: number;
  readonly bytes: number;
}

export interface RouteFlow extends Latency {
  readonly route: string;
  readonly requests: number;
  readonly rate: number;
  /** By the first digit of the status: 2xx, 3xx … `none`: the client left first, or nothing could be sent. */
  readonly statuses: Readonly<Record<StatusClass, number>>;
  readonly bytes: number;
  /** What its limits decided; null while none was ever asked. */
  readonly limits: Readonly<Record<LimitDecision, number>> | null;
}

export type StatusClass = '2xx' | '3xx' | '4xx' | '5xx' | 'none';

export interface UpstreamFlow extends Latency {
  readonly upstream: string;
  /** Tries, and those of them that failed and that repeated another. */
  readonly rate: number;
  readonly failed: number;
  readonly retries: number;
  /** Null: it has none. */
  readonly breaker: 'closed' | 'half-open' | 'open' | null;
  readonly targets: readonly { readonly target: string; readonly healthy: boolean }[];
  /** As learned with `overload.adaptive`; null without. */
  readonly concurrencyLimit: number | null;
}

export interface Refusals {
  readonly code: string;
  readonly rate: number;
  readonly requests: number;
}

/** One number per point, the oldest first; the last is of now. */
export interface History extends Readonly<Record<HistoryLine, readonly (number | null)[]>> {
  readonly secondsPerPoint: number;
}

export type HistoryLine = 'rate' | 'errors' | 'refused' | 'p50' | 'p95' | 'p99';
