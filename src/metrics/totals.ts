/**
 * The registry's numbers: counters and histograms only grow, whoever reported to them may come and go; a worker's part
 * in a gauge goes with the worker.
 */
import type { ExemplarReport, SeriesDefinition } from '../contracts/ipc.ts';
import { type MetricName, metricNames, specOf } from './catalog.ts';
import { widthOf } from './cells.ts';

/** One line of the exposition, or one histogram. */
export interface Series {
  /** By label name, in the catalog's order. */
  readonly labels: Readonly<Record<string, string>>;
  /** A counter's or histogram's cells: the value, or the buckets (not cumulative) and the sum. A gauge's: the supervisor's own value. */
  readonly cells: Float64Array;
  /** A histogram's last example of each bucket that has one; null: no bucket has. */
  exemplars: (Exemplar | undefined)[] | null;
  /** A gauge's values by worker. */
  readonly parts: Map<number, number>;
  /** The supervisor's own: it stays when the workers' parts have gone. */
  owned: boolean;
}

export type Exemplar = Omit<ExemplarReport, 'cell'>;

/** A worker's series, and the cell in the worker's numbering where it begins. */
interface Sink {
  readonly series: Series;
  readonly first: number;
}

/** The supervisor's own gauges belong to nobody who could die. */
const noWorker = -1;

export class Totals {
  readonly #metrics = new Map<MetricName, Map<string, Series>>(metricNames.map((metric) => [metric, new Map()]));
  readonly #workers = new Map<number, Sink[]>();

  constructor() {
    for (const metric of metricNames) {
      for (const labels of specOf(metric).initial ?? []) this.#find(metric, labels).owned = true;
    }
  }

  seriesOf(metric: MetricName): Iterable<Series> {
    return this.#metrics.get(metric)?.values() ?? [];
  }

  define(worker: number, definitions: readonly SeriesDefinition[]): void {
    const sinks = this.#sinksOf(worker);
    for (const { cell, metric, labels } of definitions) {
      const name = metric as MetricName;
      const sink = { series: this.#find(name, labels), first: cell };
      for (let i = 0; i < widthOf(name); i++) sinks[cell + i] = sink;
    }
  }

  /** Adds a report's cells; for gauges, takes them as the worker's present values. */
  take(worker: number, cells: Uint32Array, values: Float64Array): void {
    const sinks = this.#sinksOf(worker);
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i] as number;
      const sink = sinks[cell];
      if (sink === undefined) continue;
      const { series, first } = sink;
      const at = cell - first;
      if (series.parts === noParts) series.cells[at] = (series.cells[at] as number) + (values[i] as number);
      else series.parts.set(worker, values[i] as number);
    }
  }

  /** Each takes the place of the one before in its bucket. */
  exemplify(worker: number, exemplars: readonly ExemplarReport[]): void {
    const sinks = this.#sinksOf(worker);
    for (const { cell, traceId, value, at } of exemplars) {
      const sink = sinks[cell];
      if (sink === undefined) continue;
      sink.series.exemplars ??= [];
      sink.series.exemplars[cell - sink.first] = { traceId, value, at };
    }
  }

  /** The worker has gone, and its part of every gauge with it. */
  forget(worker: number): void {
    for (const metric of metricNames) {
      if (specOf(metric).type !== 'gauge') continue;
      const series = this.#metrics.get(metric) as Map<string, Series>;
      for (const [key, one] of series) {
        one.parts.delete(worker);
        if (one.parts.size === 0 && !one.owned) series.delete(key);
      }
    }
    this.#workers.delete(worker);
  }

  add(metric: MetricName, labels: readonly string[], value: number): void {
    const { cells } = this.#find(metric, labels);
    cells[0] = (cells[0] as number) + value;
  }

  observe(metric: MetricName, labels: readonly string[], value: number): void {
    const { cells } = this.#find(metric, labels);
    const bounds = specOf(metric).buckets ?? [];
    const bucket = bounds.findIndex((bound) => value <= bound);
    const at = bucket < 0 ? bounds.length : bucket;
    cells[at] = (cells[at] as number) + 1;
    cells[bounds.length + 1] = (cells[bounds.length + 1] as number) + value;
  }

  set(metric: MetricName, labels: readonly string[], value: number): void {
    const series = this.#find(metric, labels);
    series.owned = true;
    series.parts.set(noWorker, value);
  }

  /** A gauge of something that is no more. */
  remove(metric: MetricName, labels: readonly string[]): void {
    this.#metrics.get(metric)?.delete(keyOf(labels));
  }

  #sinksOf(worker: number): Sink[] {
    let sinks = this.#workers.get(worker);
    if (sinks === undefined) {
      sinks = [];
      this.#workers.set(worker, sinks);
    }
    return sinks;
  }

  #find(metric: MetricName, labels: readonly string[]): Series {
    const ofMetric = this.#metrics.get(metric);
    if (ofMetric === undefined) throw new Error(`no metric ${metric} in the catalog`);
    const key = keyOf(labels);
    let series = ofMetric.get(key);
    if (series === undefined) {
      series = openSeries(metric, labels);
      ofMetric.set(key, series);
    }
    return series;
  }
}

/** The value that a scrape shows for a counter or gauge. */
export function valueOf(metric: MetricName, series: Series): number {
  if (specOf(metric).combine === 'max') return Math.max(...series.parts.values());
  let value = series.cells[0] as number;
  for (const part of series.parts.values()) value += part;
  return value;
}

function keyOf(labels: readonly string[]): string {
  return labels.join('\0');
}

function openSeries(metric: MetricName, values: readonly string[]): Series {
  const { labels, type } = specOf(metric);
  return {
    labels: Object.fromEntries(labels.map((label, i) => [label, values[i] ?? ''])),
    cells: new Float64Array(widthOf(metric)),
    exemplars: null,
    parts: type === 'gauge' ? new Map() : noParts,
    owned: false,
  };
}

/** Shared by all that are no gauges, and always empty. */
const noParts: Map<number, number> = new Map();
