/**
 * The one registry of the gateway's metrics. Its numbers live in a thread of their own (metrics-thread.ts), so that
 * neither thousands of series nor a scrape hold up the supervisor. When the thread dies, another takes its place and
 * counters begin again at 0, which rate() takes for a restart.
 */
import { Worker } from 'node:worker_threads';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { OtlpConfig } from '../src/contracts/config.ts';
import type { SeriesDefinition } from '../src/contracts/ipc.ts';
import type { Log } from '../src/contracts/log.ts';
import type { LabelValues, MetricOf } from '../src/metrics/catalog.ts';
import type { ExpositionFormat } from '../src/metrics/formats.ts';
import type { MetricsReport } from '../src/metrics/recorder.ts';
import type { Named } from '../src/metrics/traffic.ts';
import type { SendResult } from '../src/telemetry/outbox.ts';
import { renderOwn } from './exposition.ts';
import type { Rendered, StatusFacts, ToThread } from './metrics-thread.ts';

const restartDelayMs = 1000;

interface Waiting {
  readonly resolve: (text: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

type Text = readonly Uint8Array[];

interface Renderings {
  running: Promise<Text> | null;
  next: Promise<Text> | null;
}

export class MetricsRegistry {
  readonly #log: Log;
  /** Those of this process and its event loop, which the thread can't see. */
  readonly #own = new Registry();
  readonly #waiting = new Map<number, Waiting>();
  /** What a new thread must be told: it has not heard the announcements, and gauges are not told twice. */
  readonly #definitions = new Map<number, SeriesDefinition[]>();
  readonly #gauges = new Map<string, Extract<ToThread, { type: 'set' }>>();
  #named: Named | null = null;
  #thread: Worker | null = null;
  #restart: NodeJS.Timeout | null = null;
  #renders = 0;
  readonly #renderings: { readonly [F in ExpositionFormat]: Renderings } = {
    text: { running: null, next: null },
    openmetrics: { running: null, next: null },
  };
  #closed = false;

  constructor(log: Log) {
    this.#log = log;
    collectDefaultMetrics({ register: this.#own });
    this.#start();
  }

  /** A worker's report. When this returns, the report is in: what is rendered from now on holds it. */
  take(worker: number, { series, cells, deltas, exemplars }: MetricsReport): void {
    if (series.length > 0) {
      this.#definitionsOf(worker).push(...series);
      this.#post({ type: 'define', worker, series });
    }
    if (cells.length > 0) this.#post({ type: 'take', worker, cells, values: deltas });
    if (exemplars.length > 0) this.#post({ type: 'exemplify', worker, exemplars });
  }

  /** The worker has gone and nothing more comes from it (its channel has closed): its part of the gauges goes too. */
  forget(worker: number): void {
    this.#definitions.delete(worker);
    this.#post({ type: 'forget', worker });
  }

  add<M extends MetricOf<'supervisor', 'counter'>>(metric: M, labels: LabelValues<M>, value = 1): void {
    this.#post({ type: 'add', metric, labels: [...labels], value });
  }

  observe<M extends MetricOf<'supervisor', 'histogram'>>(metric: M, labels: LabelValues<M>, value: number): void {
    this.#post({ type: 'observe', metric, labels: [...labels], value });
  }

  set<M extends MetricOf<'supervisor', 'gauge'>>(metric: M, labels: LabelValues<M>, value: number): void {
    const message = { type: 'set', metric, labels: [...labels], value } as const;
    this.#gauges.set(keyOf(metric, labels), message);
    this.#post(message);
  }

  /** A gauge whose subject is no more, such as a Redis that a reload has put out of use. */
  remove<M extends MetricOf<'supervisor', 'gauge'>>(metric: M, labels: LabelValues<M>): void {
    this.#gauges.delete(keyOf(metric, labels));
    this.#post({ type: 'remove', metric, labels: [...labels] });
  }

  /** From the first call on there is a status, which shows what is named here before anything has come for it. */
  follow(named: Named): void {
    this.#named = named;
    this.#post({ type: 'follow', named });
  }

  /** The JSON of a Status. Rejects while the thread is being replaced. */
  renderStatus(about: StatusFacts): Promise<Uint8Array> {
    return this.#ask((id) => ({ type: 'status', id, about }));
  }

  /**
   * The exposition text. However many ask for a format, one render runs and one waits: the waiting one starts after
   * everybody who shares it has asked, so that nobody gets numbers from before. Rejects while the thread is being replaced.
   */
  render(format: ExpositionFormat): Promise<Text> {
    const renderings = this.#renderings[format];
    if (renderings.running === null) {
      renderings.running = this.#render(format).finally(() => {
        renderings.running = null;
      });
      return renderings.running;
    }
    renderings.next ??= renderings.running
      .catch(() => {})
      .then(() => {
        renderings.next = null;
        return this.render(format);
      });
    return renderings.next;
  }

  /** Sends everything to a collector. Null: it has been taken; else why not. Rejects while the thread is being replaced. */
  async send(otlp: OtlpConfig, port: number): Promise<string | null> {
    const process = await this.#own.getMetricsAsJSON();
    const answer = await this.#ask((id) => ({ type: 'send', id, otlp, port, process }));
    const result = JSON.parse(Buffer.from(answer).toString()) as SendResult;
    return result.outcome === 'sent' ? null : result.reason;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    await this.#thread?.terminate();
  }

  async #render(format: ExpositionFormat): Promise<Text> {
    const own = Buffer.from(await renderOwn(this.#own, format));
    return [await this.#ask((id) => ({ type: 'render', id, format })), own];
  }

  async #ask(question: (id: number) => ToThread): Promise<Uint8Array> {
    const thread = this.#thread;
    if (thread === null) throw new Error('the metrics registry is restarting');
    const id = ++this.#renders;
    // Only while somebody waits for it does the thread keep the process alive.
    thread.ref();
    try {
      return await new Promise<Uint8Array>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        this.#post(question(id));
      });
    } finally {
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) thread.unref();
    }
  }

  #start(): void {
    const thread = new Worker(new URL('./metrics-thread.ts', import.meta.url));
    let reason = 'it ended';
    thread.on('message', ({ id, text }: Rendered) => this.#waiting.get(id)?.resolve(text));
    thread.on('error', (error: Error) => {
      reason = error.message;
    });
    thread.on('exit', () => this.#replace(reason));
    thread.unref();
    this.#thread = thread;
    for (const [worker, series] of this.#definitions) this.#post({ type: 'define', worker, series });
    for (const message of this.#gauges.values()) this.#post(message);
    if (this.#named !== null) this.#post({ type: 'follow', named: this.#named });
  }

  #replace(reason: string): void {
    this.#thread = null;
    for (const { reject } of this.#waiting.values()) reject(new Error('the metrics registry is restarting'));
    if (this.#closed) return;
    this.#log.error({ reason }, 'the metrics thread died: counters begin again at 0');
    this.#restart = setTimeout(() => this.#start(), restartDelayMs).unref();
  }

  #post(message: ToThread): void {
    this.#thread?.postMessage(message);
  }

  #definitionsOf(worker: number): SeriesDefinition[] {
    let definitions = this.#definitions.get(worker);
    if (definitions === undefined) {
      definitions = [];
      this.#definitions.set(worker, definitions);
    }
    return definitions;
  }
}

function keyOf(metric: string, labels: readonly string[]): string {
  return [metric, ...labels].join('\0');
}
