/**
 * The thread behind metrics-registry.ts: holds all numbers and renders the exposition text, which takes a tenth of a
 * second for thousands of series, away from the supervisor's event loop.
 */
import { parentPort } from 'node:worker_threads';
import type { OtlpConfig } from '../src/contracts/config.ts';
import type { ExemplarReport, SeriesDefinition } from '../src/contracts/ipc.ts';
import type { GatewayStatus, Status, WorkerProcessStatus } from '../src/contracts/status.ts';
import { type MetricName, specOf } from '../src/metrics/catalog.ts';
import type { ExpositionFormat } from '../src/metrics/formats.ts';
import { Totals } from '../src/metrics/totals.ts';
import { type Named, TrafficView } from '../src/metrics/traffic.ts';
import type { SendMetrics } from '../src/telemetry/metrics-sender.ts';
import type { SendResult } from '../src/telemetry/outbox.ts';
import { Exposition } from './exposition.ts';
import { type ProcessMetric, readProcess, readTotals } from './metric-readings.ts';

export type ToThread =
  | { readonly type: 'define'; readonly worker: number; readonly series: readonly SeriesDefinition[] }
  | { readonly type: 'take'; readonly worker: number; readonly cells: Uint32Array; readonly values: Float64Array }
  | { readonly type: 'exemplify'; readonly worker: number; readonly exemplars: readonly ExemplarReport[] }
  | { readonly type: 'forget'; readonly worker: number }
  | { readonly type: 'add'; readonly metric: MetricName; readonly labels: readonly string[]; readonly value: number }
  | {
      readonly type: 'observe';
      readonly metric: MetricName;
      readonly labels: readonly string[];
      readonly value: number;
    }
  | { readonly type: 'set'; readonly metric: MetricName; readonly labels: readonly string[]; readonly value: number }
  | { readonly type: 'remove'; readonly metric: MetricName; readonly labels: readonly string[] }
  /** Somebody may ask for `status` from now on; what the config in force names. */
  | { readonly type: 'follow'; readonly named: Named }
  | { readonly type: 'status'; readonly id: number; readonly about: StatusFacts }
  /** To a collector; answered by a SendResult. */
  | {
      readonly type: 'send';
      readonly id: number;
      readonly otlp: OtlpConfig;
      readonly port: number;
      readonly process: readonly ProcessMetric[];
    }
  | { readonly type: 'render'; readonly id: number; readonly format: ExpositionFormat };

/** What the supervisor knows of the gateway; the numbers come from here. */
export interface StatusFacts {
  readonly gateway: GatewayStatus;
  readonly workers: readonly (WorkerProcessStatus & { readonly id: number })[];
}

export interface Rendered {
  readonly id: number;
  readonly text: Uint8Array<ArrayBuffer>;
}

const totals = new Totals();
/** Null while nobody can ask for it. */
let traffic: TrafficView | null = null;
const exposition = new Exposition(totals);

parentPort?.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'define':
      return totals.define(message.worker, message.series);
    case 'take':
      return totals.take(message.worker, message.cells, message.values);
    case 'exemplify':
      return totals.exemplify(message.worker, message.exemplars);
    case 'forget':
      return totals.forget(message.worker);
    case 'add':
      return totals.add(message.metric, message.labels, message.value);
    case 'observe':
      return totals.observe(message.metric, message.labels, message.value);
    case 'set':
      exposition.show(message.metric);
      return totals.set(message.metric, message.labels, message.value);
    case 'remove':
      if (specOf(message.metric).whenUsed) exposition.hide(message.metric);
      return totals.remove(message.metric, message.labels);
    case 'follow':
      return follow(message.named);
    case 'status':
      return answer(message.id, renderStatus(message.about));
    case 'send':
      return void send(message);
    case 'render':
      return answer(message.id, exposition.render(message.format));
  }
});

const startedAt = Date.now();
let sender: { readonly key: string; readonly send: SendMetrics } | null = null;

/** Never rejects: the counters would end with this thread, for want of a collector. */
async function send(message: Extract<ToThread, { type: 'send' }>): Promise<void> {
  const result = await sendTotals(message).catch((error: unknown): SendResult => {
    return { outcome: 'failed', reason: String(error) };
  });
  answer(message.id, JSON.stringify(result));
}

async function sendTotals({ otlp, port, process }: Extract<ToThread, { type: 'send' }>): Promise<SendResult> {
  const { createMetricsSender } = await import('../src/telemetry/metrics-sender.ts');
  const key = JSON.stringify([otlp, port]);
  if (sender?.key !== key) sender = { key, send: createMetricsSender(otlp, port) };
  const readings = [...readTotals(totals), ...readProcess(process)];
  return await sender.send(readings, startedAt, Date.now());
}

function answer(id: number, rendered: string): void {
  const text = new TextEncoder().encode(rendered);
  const message: Rendered = { id, text };
  parentPort?.postMessage(message, [text.buffer]);
}

function follow(named: Named): void {
  if (traffic === null) {
    const view = new TrafficView(totals, performance.now());
    setInterval(() => view.sample(performance.now()), 1000);
    traffic = view;
  }
  traffic.follow(named);
}

function renderStatus({ gateway, workers }: StatusFacts): string {
  if (traffic === null) throw new Error('a status is asked for that nobody has announced');
  const view = traffic;
  const status: Status = {
    gateway,
    workers: workers.map(({ id, ...process }) => ({ ...process, ...view.loadOf(id) })),
    traffic: view.render(),
  };
  return JSON.stringify(status);
}
