/**
 * The thread behind metrics-registry.ts: holds all numbers and renders the exposition text, which takes a tenth of a
 * second for thousands of series, away from the supervisor's event loop.
 */
import { parentPort } from 'node:worker_threads';
import { type Counter, Registry } from 'prom-client';
import type { SeriesDefinition } from '../src/contracts/ipc.ts';
import type { GatewayStatus, Status, WorkerProcessStatus } from '../src/contracts/status.ts';
import { type MetricName, metricNames, specOf } from '../src/metrics/catalog.ts';
import { type Series, Totals, valueOf } from '../src/metrics/totals.ts';
import { type Named, TrafficView } from '../src/metrics/traffic.ts';

export type ToThread =
  | { readonly type: 'define'; readonly worker: number; readonly series: readonly SeriesDefinition[] }
  | { readonly type: 'take'; readonly worker: number; readonly cells: Uint32Array; readonly values: Float64Array }
  | { readonly type: 'forget'; readonly worker: number }
  | { readonly type: 'add'; readonly metric: MetricName; readonly labels: readonly string[]; readonly value: number }
  | { readonly type: 'set'; readonly metric: MetricName; readonly labels: readonly string[]; readonly value: number }
  | { readonly type: 'remove'; readonly metric: MetricName; readonly labels: readonly string[] }
  /** Somebody may ask for `status` from now on; what the config in force names. */
  | { readonly type: 'follow'; readonly named: Named }
  | { readonly type: 'status'; readonly id: number; readonly about: StatusFacts }
  | { readonly type: 'render'; readonly id: number };

/** What the supervisor knows of the gateway; the numbers come from here. */
export interface StatusFacts {
  readonly gateway: GatewayStatus;
  readonly workers: readonly (WorkerProcessStatus & { readonly id: number })[];
}

export interface Rendered {
  readonly id: number;
  readonly text: Uint8Array<ArrayBuffer>;
}

/** A line of the exposition as prom-client's registry prints it; `sharedLabels` it keeps as text once rendered. */
interface Line {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly value: number;
}

const totals = new Totals();
/** Null while nobody can ask for it. */
let traffic: TrafficView | null = null;
const registry = new Registry();
for (const metric of metricNames) if (specOf(metric).whenUsed === undefined) register(metric);

parentPort?.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'define':
      return totals.define(message.worker, message.series);
    case 'take':
      return totals.take(message.worker, message.cells, message.values);
    case 'forget':
      return totals.forget(message.worker);
    case 'add':
      return totals.add(message.metric, message.labels, message.value);
    case 'set':
      register(message.metric);
      return totals.set(message.metric, message.labels, message.value);
    case 'remove':
      if (specOf(message.metric).whenUsed) registry.removeSingleMetric(message.metric);
      return totals.remove(message.metric, message.labels);
    case 'follow':
      return follow(message.named);
    case 'status':
      return answer(message.id, renderStatus(message.about));
    case 'render':
      return void render(message.id);
  }
});

/** prom-client prints whatever can say its name, type, help and values. */
function register(metric: MetricName): void {
  if (registry.getSingleMetric(metric) !== undefined) return;
  const { type, help } = specOf(metric);
  const source = { name: metric, get: async () => ({ name: metric, type, help, values: linesOf(metric) }) };
  registry.registerMetric(source as unknown as Counter);
}

async function render(id: number): Promise<void> {
  answer(id, await registry.metrics());
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

function linesOf(metric: MetricName): Line[] {
  const lines: Line[] = [];
  const isHistogram = specOf(metric).type === 'histogram';
  for (const series of totals.seriesOf(metric)) {
    if (isHistogram) pushHistogram(lines, metric, series);
    else lines.push({ metricName: metric, labels: {}, sharedLabels: series.labels, value: valueOf(metric, series) });
  }
  return lines;
}

function pushHistogram(lines: Line[], metric: MetricName, series: Series): void {
  const { cells, labels: sharedLabels } = series;
  const bounds = specOf(metric).buckets ?? [];
  let count = 0;
  for (let i = 0; i <= bounds.length; i++) {
    count += cells[i] as number;
    lines.push({ metricName: `${metric}_bucket`, labels: { le: bounds[i] ?? '+Inf' }, sharedLabels, value: count });
  }
  const sum = cells[bounds.length + 1] as number;
  lines.push({ metricName: `${metric}_sum`, labels: {}, sharedLabels, value: sum });
  lines.push({ metricName: `${metric}_count`, labels: {}, sharedLabels, value: count });
}
