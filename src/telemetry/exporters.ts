/** The exporters of the OpenTelemetry project, each as one function that sends a batch and says what came of it. */
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { OtlpConfig } from '../contracts/config.ts';
import type { TelemetrySignal } from '../contracts/telemetry.ts';
import { upstreamTlsOptions } from '../core/upstream-tls.ts';
import type { SendResult } from './outbox.ts';

export function spanSender(otlp: OtlpConfig): (spans: ReadableSpan[]) => Promise<SendResult> {
  return senderOf(new OTLPTraceExporter(optionsFor('traces', otlp)), otlp.timeoutMs);
}

export function logSender(otlp: OtlpConfig): (records: ReadableLogRecord[]) => Promise<SendResult> {
  return senderOf(new OTLPLogExporter(optionsFor('logs', otlp)), otlp.timeoutMs);
}

export function metricsSender(otlp: OtlpConfig): (metrics: ResourceMetrics) => Promise<SendResult> {
  return senderOf(new OTLPMetricExporter(optionsFor('metrics', otlp)), otlp.timeoutMs);
}

type ExporterOptions = NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>;

function optionsFor(signal: TelemetrySignal, otlp: OtlpConfig): ExporterOptions {
  const url = new URL(otlp.url);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/${signal}`;
  const tls = url.protocol === 'https:' ? upstreamTlsOptions(otlp.tls, url.hostname) : {};
  return {
    url: url.href,
    headers: Object.fromEntries(otlp.headers.map(({ name, value }) => [name, value])),
    timeoutMillis: otlp.timeoutMs,
    // A value of an enum, which can't be named here.
    compression: otlp.compression as NonNullable<ExporterOptions['compression']>,
    httpAgentOptions: { ...tls, keepAlive: true, timeout: idleMs },
  };
}

/** A connection that has been silent for so long is closed. */
const idleMs = 30_000;
/** Past its own time an exporter is not waited for. */
const marginMs = 1_000;

interface Exporter<T> {
  export(items: T, done: (result: { readonly code: number; readonly error?: Error }) => void): void;
}

function senderOf<T>(exporter: Exporter<T>, timeoutMs: number): (items: T) => Promise<SendResult> {
  return (items) =>
    new Promise((resolve) => {
      const late = setTimeout(() => resolve({ outcome: 'failed', reason: 'no answer in time' }), timeoutMs + marginMs);
      const settle = (error: Error | undefined): void => {
        clearTimeout(late);
        resolve(error === undefined ? { outcome: 'sent' } : describe(error));
      };
      try {
        exporter.export(items, ({ code, error }) => settle(code === 0 ? undefined : (error ?? new Error('it failed'))));
      } catch (error) {
        // What can't be written as protobuf can't be written later either.
        clearTimeout(late);
        resolve({ outcome: 'refused', reason: String(error) });
      }
    });
}

/** A status is the collector's word; anything else is a connection that did not come about, or broke. */
function describe(error: Error & { readonly code?: number | string }): SendResult {
  if (typeof error.code === 'number') return { outcome: 'refused', reason: `status ${error.code}` };
  return { outcome: 'failed', reason: error.code ?? error.message };
}
