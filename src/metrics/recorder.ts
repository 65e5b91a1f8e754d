/**
 * The worker's side of the metrics: counting adds to cells found by small integers, and what has changed goes to the
 * supervisor each second. On the hot path: no label objects, no text is put together.
 */
import type { AuthFailure } from '../contracts/auth.ts';
import type { BodyCheckOutcome } from '../contracts/body-check.ts';
import type { Priority } from '../contracts/config.ts';
import type { ToSupervisor } from '../contracts/ipc.ts';
import type { LimitDecision } from '../contracts/limiter.ts';
import type { RefusalCode } from '../contracts/refusal.ts';
import type { TelemetrySignal } from '../contracts/telemetry.ts';
import type { TryOutcome } from '../contracts/upstream.ts';
import { specOf } from './catalog.ts';
import { Cells } from './cells.ts';
import { Exemplars, type ExemplaryTrace } from './exemplars.ts';
import { methodLabels } from './methods.ts';
import { outcomeIndex, upstreamOutcomes } from './outcomes.ts';
import { policyOf } from './policies.ts';

export type MetricsReport = Extract<ToSupervisor, { type: 'metrics' }>;

export interface RecorderOptions {
  /** Value of the label `worker`. */
  readonly worker: string;
  readonly send: (report: MetricsReport) => void;
  readonly overload: OverloadReadings;
  /** Read before each report. */
  readonly log: { readonly droppedLines: number };
  /** `overload.adaptive`: upstreams and their limits. */
  readonly upstreamLimits: { entries(): Iterable<readonly [upstream: string, limit: number]> };
}

/** How the worker bears its load: read each second. */
export interface OverloadReadings {
  loopDelayMs(): number;
  /** By cause. */
  readonly pressures: Readonly<Record<PressureCause, number>>;
}

export type PressureCause = 'concurrency' | 'event_loop' | 'memory';

const pressureCauses: readonly PressureCause[] = ['concurrency', 'event_loop', 'memory'];

/** The cells of one route. Found once per compiled route; 0 is a series that has not been opened. */
export interface RouteRow {
  readonly label: string;
  /** By method index × 1000 + status. */
  readonly requests: Map<number, number>;
  /** How many statuses have a series, by method index. */
  readonly statuses: Uint8Array;
  /** By method index. */
  readonly durations: Uint32Array;
  bytes: number;
  readonly authFailures: Map<AuthFailure, number>;
  readonly limits: Map<LimitDecision, number>;
  /** By the code of the refusal that did not come. */
  readonly shadows: Map<RefusalCode, number>;
}

export interface UpstreamRow {
  readonly name: string;
  /** By outcomeIndex. */
  readonly outcomes: Uint32Array;
  duration: number;
  retries: number;
}

const reportEveryMs = 1000;

/** Of a route and method. More than sane upstreams have; 900 are what others could come up with. */
const maxStatuses = 50;

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #cells = new Cells();
  readonly #exemplars = new Exemplars();
  readonly #routes = new Map<string, RouteRow>();
  readonly #upstreams = new Map<string, UpstreamRow>();
  readonly #rejected = new Map<RefusalCode, number>();
  /** By metric and reason. */
  readonly #connections = new Map<string, number>();
  readonly #inFlight: number;
  readonly #loopDelay: number;
  readonly #pressures: readonly number[];
  readonly #shed = new Map<Priority, number>();
  readonly #upstreamLimits = new Map<string, number>();
  /** By signal and outcome. */
  readonly #telemetry = new Map<string, number>();
  readonly #limitsAlone: number;
  readonly #collected: number;
  readonly #linesDropped: number;
  #linesDroppedSoFar = 0;
  readonly #bodyChecks: Readonly<Record<BodyCheckOutcome, number>>;
  #timer: NodeJS.Timeout | null = null;
  #lastReport = 0;
  #lastTaken = 0;
  #waiting: (() => void)[] = [];

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#inFlight = this.#cells.open('http_requests_in_flight', []);
    this.#limitsAlone = this.#cells.open('rate_limit_alone_total', []);
    this.#collected = this.#cells.open('collected_body_bytes', []);
    this.#linesDropped = this.#cells.open('log_lines_dropped_total', []);
    this.#bodyChecks = {
      checked: this.#cells.open('body_checks_total', ['checked']),
      shed: this.#cells.open('body_checks_total', ['shed']),
      late: this.#cells.open('body_checks_total', ['late']),
      died: this.#cells.open('body_checks_total', ['died']),
      left: this.#cells.open('body_checks_total', ['left']),
    };
    this.#loopDelay = this.#cells.open('event_loop_delay_ms', [options.worker]);
    this.#pressures = pressureCauses.map((cause) => this.#cells.open('overload_pressure', [options.worker, cause]));
  }

  /** Begins to report each second. */
  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), reportEveryMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** The same object for the same label, across reloads. */
  routeRow(label: string): RouteRow {
    let row = this.#routes.get(label);
    if (row === undefined) {
      row = {
        label,
        requests: new Map(),
        statuses: new Uint8Array(methodLabels.length),
        durations: new Uint32Array(methodLabels.length),
        bytes: 0,
        authFailures: new Map(),
        limits: new Map(),
        shadows: new Map(),
      };
      this.#routes.set(label, row);
    }
    return row;
  }

  upstreamRow(name: string): UpstreamRow {
    let row = this.#upstreams.get(name);
    if (row === undefined) {
      row = { name, outcomes: new Uint32Array(upstreamOutcomes.length), duration: 0, retries: 0 };
      this.#upstreams.set(name, row);
    }
    return row;
  }

  beginRequest(): void {
    this.#cells.add(this.#inFlight, 1);
  }

  endRequest(): void {
    this.#cells.add(this.#inFlight, -1);
  }

  /** Once per finished request. `method` is a methodIndex; `trace` leads to the request, null: nothing does. */
  recordRequest(
    row: RouteRow,
    method: number,
    status: number,
    durationMs: number,
    bytesOut: number,
    trace: ExemplaryTrace | null = null,
  ): void {
    this.#cells.add(row.requests.get(method * 1000 + status) ?? this.#openRequests(row, method, status), 1);
    const bucket = this.#observe(row.durations[method] || this.#openDuration(row, method), durationMs);
    if (trace !== null) this.#exemplars.offer(bucket, trace, durationMs);
    if (bytesOut > 0) this.#cells.add(row.bytes || this.#openBytes(row), bytesOut);
  }

  recordRejected(code: RefusalCode): void {
    this.#cells.add(this.#rejected.get(code) ?? this.#openRejected(code), 1);
  }

  recordShed(priority: Priority): void {
    this.#cells.add(this.#shed.get(priority) ?? this.#openShed(priority), 1);
  }

  recordAuthFailure(row: RouteRow, failure: AuthFailure): void {
    this.#cells.add(row.authFailures.get(failure) ?? this.#openAuthFailure(row, failure), 1);
  }

  /** Once per request that was put to limits. */
  recordLimits(row: RouteRow, decision: LimitDecision): void {
    this.#cells.add(row.limits.get(decision) ?? this.#openLimits(row, decision), 1);
  }

  recordLimitsAlone(requests: number): void {
    this.#cells.add(this.#limitsAlone, requests);
  }

  /** `code`: what a policy in shadow mode would have refused with. */
  recordShadow(row: RouteRow, code: RefusalCode): void {
    this.#cells.add(row.shadows.get(code) ?? this.#openShadow(row, code), 1);
  }

  /** By how much more, or less, is held of request bodies that are checked as a whole. */
  recordCollected(bytes: number): void {
    this.#cells.add(this.#collected, bytes);
  }

  /** Once per body that was checked in a thread, or should have been. */
  recordBodyCheck(outcome: BodyCheckOutcome): void {
    this.#cells.add(this.#bodyChecks[outcome], 1);
  }

  /** `reason`: one of few words, never a client's. */
  recordRejectedConnection(reason: string): void {
    this.#count('rejected_connections_total', reason);
  }

  recordHandshakeFailure(reason: string): void {
    this.#count('tls_handshake_failures_total', reason);
  }

  /** Spans and log lines that have gone to the collector, or were given up. */
  recordTelemetry(signal: TelemetrySignal, outcome: 'sent' | 'dropped', records: number): void {
    const key = `${signal} ${outcome}`;
    const cell = this.#telemetry.get(key) ?? this.#cells.open('telemetry_records_total', [signal, outcome]);
    this.#telemetry.set(key, cell);
    this.#cells.add(cell, records);
  }

  /** Once per try. */
  recordUpstream(row: UpstreamRow, outcome: TryOutcome, durationMs: number): void {
    this.#cells.add(row.outcomes[outcomeIndex(outcome)] || this.#openOutcome(row, outcome), 1);
    this.#observe(row.duration || this.#openUpstreamDuration(row), durationMs);
  }

  recordRetry(row: UpstreamRow): void {
    this.#cells.add(row.retries || this.#openRetries(row), 1);
  }

  /**
   * Sends what has changed, unless an earlier report is still on its way: then it waits for the next second, so that a
   * supervisor that is slow gets fewer and larger reports, not a queue of them.
   */
  report(): void {
    if (this.#lastTaken < this.#lastReport) return;
    this.#noteDroppedLines();
    const pieces = this.#cells.collect();
    const exemplars = this.#exemplars.collect();
    for (const [i, piece] of pieces.entries()) {
      this.#lastReport++;
      // With the last piece, when all series have been announced.
      const isLast = i === pieces.length - 1;
      this.#options.send({ type: 'metrics', report: this.#lastReport, ...piece, exemplars: isLast ? exemplars : [] });
    }
  }

  /** The supervisor's `metrics:taken`. */
  taken(report: number): void {
    this.#lastTaken = report;
    if (report < this.#lastReport) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  /** Resolves when everything counted before the call is in the registry, or when the time is up. */
  async flush(deadlineMs: number): Promise<'taken' | 'late'> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, deadlineMs, 'late');
    });
    try {
      return await Promise.race([this.#flushAll(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #flushAll(): Promise<'taken'> {
    await this.#allTaken();
    this.report();
    await this.#allTaken();
    return 'taken';
  }

  async #allTaken(): Promise<void> {
    if (this.#lastTaken === this.#lastReport) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #tick(): void {
    const { overload, upstreamLimits } = this.#options;
    this.#cells.set(this.#loopDelay, overload.loopDelayMs());
    for (const [i, cause] of pressureCauses.entries()) {
      this.#cells.set(this.#pressures[i] as number, roundShare(overload.pressures[cause]));
    }
    for (const [upstream, limit] of upstreamLimits.entries()) {
      this.#cells.set(this.#upstreamLimits.get(upstream) ?? this.#openUpstreamLimit(upstream), Math.floor(limit));
    }
    this.report();
  }

  #noteDroppedLines(): void {
    const { droppedLines } = this.#options.log;
    if (droppedLines === this.#linesDroppedSoFar) return;
    this.#cells.add(this.#linesDropped, droppedLines - this.#linesDroppedSoFar);
    this.#linesDroppedSoFar = droppedLines;
  }

  #count(metric: 'rejected_connections_total' | 'tls_handshake_failures_total', reason: string): void {
    const key = `${metric} ${reason}`;
    let cell = this.#connections.get(key);
    if (cell === undefined) {
      cell = this.#cells.open(metric, [reason]);
      this.#connections.set(key, cell);
    }
    this.#cells.add(cell, 1);
  }

  /** Returns the cell of the bucket. */
  #observe(firstCell: number, valueMs: number): number {
    let bucket = 0;
    while (bucket < boundsMs.length && valueMs > (boundsMs[bucket] as number)) bucket++;
    this.#cells.add(firstCell + bucket, 1);
    this.#cells.add(firstCell + boundsMs.length + 1, valueMs);
    return firstCell + bucket;
  }

  #openRequests(row: RouteRow, method: number, status: number): number {
    const seen = row.statuses[method] as number;
    const cell =
      seen < maxStatuses ? this.#openStatus(row, method, String(status)) : this.#openClass(row, method, status);
    row.requests.set(method * 1000 + status, cell);
    return cell;
  }

  #openStatus(row: RouteRow, method: number, status: string): number {
    row.statuses[method] = (row.statuses[method] as number) + 1;
    return this.#cells.open('http_requests_total', [labelOf(method), row.label, status]);
  }

  /** All that begin with the same digit share a series, which is kept in the place of that digit: no status is so low. */
  #openClass(row: RouteRow, method: number, status: number): number {
    const digit = Math.floor(status / 100);
    let cell = row.requests.get(method * 1000 + digit);
    if (cell === undefined) {
      cell = this.#cells.open('http_requests_total', [labelOf(method), row.label, `${digit}xx`]);
      row.requests.set(method * 1000 + digit, cell);
    }
    return cell;
  }

  #openDuration(row: RouteRow, method: number): number {
    const cell = this.#cells.open('http_request_duration_ms', [row.label, labelOf(method)]);
    row.durations[method] = cell;
    return cell;
  }

  #openBytes(row: RouteRow): number {
    row.bytes = this.#cells.open('http_response_bytes_total', [row.label]);
    return row.bytes;
  }

  #openRejected(code: RefusalCode): number {
    const cell = this.#cells.open('rejected_requests_total', [code]);
    this.#rejected.set(code, cell);
    return cell;
  }

  #openShed(priority: Priority): number {
    const cell = this.#cells.open('shed_requests_total', [priority]);
    this.#shed.set(priority, cell);
    return cell;
  }

  #openUpstreamLimit(upstream: string): number {
    const cell = this.#cells.open('upstream_concurrency_limit', [upstream]);
    this.#upstreamLimits.set(upstream, cell);
    return cell;
  }

  #openAuthFailure(row: RouteRow, failure: AuthFailure): number {
    const cell = this.#cells.open('auth_failures_total', [row.label, failure]);
    row.authFailures.set(failure, cell);
    return cell;
  }

  #openLimits(row: RouteRow, decision: LimitDecision): number {
    const cell = this.#cells.open('rate_limit_decisions_total', [row.label, decision]);
    row.limits.set(decision, cell);
    return cell;
  }

  #openShadow(row: RouteRow, code: RefusalCode): number {
    const cell = this.#cells.open('shadow_decisions_total', [policyOf(code), row.label]);
    row.shadows.set(code, cell);
    return cell;
  }

  #openOutcome(row: UpstreamRow, outcome: TryOutcome): number {
    const cell = this.#cells.open('upstream_requests_total', [row.name, outcome]);
    row.outcomes[outcomeIndex(outcome)] = cell;
    return cell;
  }

  #openRetries(row: UpstreamRow): number {
    row.retries = this.#cells.open('upstream_retries_total', [row.name]);
    return row.retries;
  }

  #openUpstreamDuration(row: UpstreamRow): number {
    row.duration = this.#cells.open('upstream_request_duration_ms', [row.name]);
    return row.duration;
  }
}

/** Both histograms have the same bounds; the catalog's test says so. */
const boundsMs = specOf('http_request_duration_ms').buckets ?? [];

function roundShare(share: number): number {
  return Math.round(share * 1000) / 1000;
}

function labelOf(method: number): string {
  return methodLabels[method] ?? 'OTHER';
}
