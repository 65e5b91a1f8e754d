/** All metrics as neutral readings: those of the totals, and what prom-client counts of a process. */
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import { type MetricName, metricNames, specOf } from '../src/metrics/catalog.ts';
import { type Totals, valueOf } from '../src/metrics/totals.ts';
import type { HistogramPoint, MetricReading, NumberPoint } from '../src/telemetry/metric-data.ts';

export function readTotals(totals: Totals): MetricReading[] {
  return metricNames.map((name) => {
    const { type, help } = specOf(name);
    return { name, help, type, points: type === 'histogram' ? histograms(name, totals) : numbers(name, totals) };
  });
}

/** A metric as prom-client gives it as JSON; plain data that a thread can be sent. */
export type ProcessMetric = MetricObjectWithValues<MetricValue<string>>;

/** Summaries there are none. */
export function readProcess(metrics: readonly ProcessMetric[]): MetricReading[] {
  return metrics.map(({ name, help, type: kind, values }) => {
    const type = String(kind) as MetricReading['type'];
    return { name, help, type, points: type === 'histogram' ? assemble(name, values) : values.map(toPoint) };
  });
}

function numbers(name: MetricName, totals: Totals): NumberPoint[] {
  return [...totals.seriesOf(name)].map((series) => ({ labels: series.labels, value: valueOf(name, series) }));
}

function histograms(name: MetricName, totals: Totals): HistogramPoint[] {
  const bounds = specOf(name).buckets ?? [];
  return [...totals.seriesOf(name)].map(({ labels, cells }) => ({
    labels,
    bounds,
    counts: [...cells.subarray(0, bounds.length + 1)],
    sum: cells[bounds.length + 1] as number,
  }));
}

function toPoint({ labels, value }: MetricValue<string>): NumberPoint {
  return { labels: textLabels(labels), value };
}

/** The lines `_bucket`, `_sum` and `_count` of each set of labels; buckets come in order and hold all below them. */
function assemble(name: string, lines: readonly (MetricValue<string> & { metricName?: string })[]): HistogramPoint[] {
  const found = new Map<string, { labels: Record<string, string>; bounds: number[]; upTo: number[]; sum: number }>();
  for (const { labels, value, metricName } of lines) {
    const { le, ...rest } = labels as Record<string, string | number>;
    const key = JSON.stringify(rest);
    const point = found.get(key) ?? { labels: textLabels(rest), bounds: [], upTo: [], sum: 0 };
    found.set(key, point);
    if (metricName === `${name}_sum`) point.sum = value;
    if (le === undefined) continue;
    point.upTo.push(value);
    if (le !== '+Inf') point.bounds.push(Number(le));
  }
  return [...found.values()].map(({ labels, bounds, upTo, sum }) => ({
    labels,
    bounds,
    counts: upTo.map((count, i) => count - (upTo[i - 1] ?? 0)),
    sum,
  }));
}

function textLabels(labels: Partial<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));
}
