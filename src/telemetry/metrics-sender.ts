/** Sends the registry's numbers to the collector. Loaded only where a config asks for it. */
import type { OtlpConfig } from '../contracts/config.ts';
import { metricsSender } from './exporters.ts';
import { type MetricReading, toResourceMetrics } from './metric-data.ts';
import type { SendResult } from './outbox.ts';
import { describeGateway } from './resource.ts';

/** What is not sent is no loss: the next sending says it all again. */
export type SendMetrics = (readings: readonly MetricReading[], sinceMs: number, nowMs: number) => Promise<SendResult>;

export function createMetricsSender(otlp: OtlpConfig, port: number): SendMetrics {
  const send = metricsSender(otlp);
  const resource = describeGateway(port);
  return (readings, sinceMs, nowMs) => send(toResourceMetrics(readings, resource, sinceMs, nowMs));
}
