/** The registry's numbers as the exporters take them: cumulative, under the names that Prometheus knows them by. */
import { ValueType } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { hrTime } from './hr-time.ts';
import { scope } from './resource.ts';

/** A metric as the registry has it. */
export interface MetricReading {
  readonly name: string;
  readonly help: string;
  readonly points: readonly NumberPoint[] | readonly HistogramPoint[];
  readonly type: 'counter' | 'gauge' | 'histogram';
}

export interface NumberPoint {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface HistogramPoint {
  readonly labels: Readonly<Record<string, string>>;
  /** Upper bounds, without +Inf. */
  readonly bounds: readonly number[];
  /** How many lie in each bucket, that without a bound included. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** `sinceMs`: when counters were 0; both in milliseconds since 1970. */
export function toResourceMetrics(
  readings: readonly MetricReading[],
  resource: Resource,
  sinceMs: number,
  nowMs: number,
): ResourceMetrics {
  const times = { startTime: hrTime(sinceMs), endTime: hrTime(nowMs) };
  const metrics = readings.filter(({ points }) => points.length > 0).map((reading) => toMetricData(reading, times));
  return { resource, scopeMetrics: [{ scope, metrics }] };
}

type Times = Pick<DataPoint<unknown>, 'startTime' | 'endTime'>;

function toMetricData({ name, help, type, points }: MetricReading, times: Times): MetricData {
  const shared = {
    descriptor: { name, description: help, unit: unitOf(name), valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  switch (type) {
    case 'counter':
      return { ...shared, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: numbers(points, times) };
    case 'gauge':
      return { ...shared, dataPointType: DataPointType.GAUGE, dataPoints: numbers(points, times) };
    case 'histogram': {
      const dataPoints = (points as readonly HistogramPoint[]).map((point) => toHistogram(point, times));
      return { ...shared, dataPointType: DataPointType.HISTOGRAM, dataPoints };
    }
  }
}

function numbers(points: MetricReading['points'], times: Times): DataPoint<number>[] {
  return (points as readonly NumberPoint[]).map(({ labels, value }) => ({
    ...times,
    attributes: { ...labels },
    value,
  }));
}

function toHistogram({ labels, bounds, counts, sum }: HistogramPoint, times: Times) {
  const count = counts.reduce((total, n) => total + n, 0);
  return {
    ...times,
    attributes: { ...labels },
    value: { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count },
  };
}

/**
 * As UCUM has it, where the name has the unit's whole word. Who hands OTLP on to Prometheus appends what is missing there:
 * with "ms" `http_request_duration_ms` would become `…_ms_milliseconds`, and with "1" the gauge `workers` `workers_ratio`.
 */
function unitOf(name: string): string {
  if (/_seconds(_|$)/.test(name)) return 's';
  return /_bytes(_|$)/.test(name) ? 'By' : '';
}
