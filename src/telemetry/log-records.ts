/** Lines of the log as log records: the fields that the line has, and the trace that it belongs to. */
import type { HrTime } from '@opentelemetry/api';
import type { LogAttributes } from '@opentelemetry/api-logs';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { hrTime } from './hr-time.ts';
import { scope } from './resource.ts';

/** `line`: JSON as pino writes it. It is read when it is sent, so that logging it costs no more than remembering it. */
export function toLogRecord(line: string, resource: Resource): ReadableLogRecord {
  const { level, time, msg, traceId, spanId, ...fields } = JSON.parse(line) as Line;
  const at: HrTime = hrTime(time);
  const severity = severities[level] ?? severities[30];
  return {
    hrTime: at,
    hrTimeObserved: at,
    severityNumber: severity.number,
    severityText: severity.text,
    body: msg,
    attributes: fields as LogAttributes,
    droppedAttributesCount: 0,
    resource,
    instrumentationScope: scope,
    ...(traceId === undefined
      ? {}
      : { spanContext: { traceId, spanId: spanId ?? '', traceFlags: spanId === undefined ? 0 : 1 } }),
  };
}

interface Line {
  readonly level: number;
  readonly time: number;
  readonly msg: string;
  readonly traceId?: string;
  /** Of the exchange, when its trace is recorded. */
  readonly spanId?: string;
}

/** By pino's number: the same words, and the numbers of OpenTelemetry. */
const severities = {
  10: { number: 1, text: 'trace' },
  20: { number: 5, text: 'debug' },
  30: { number: 9, text: 'info' },
  40: { number: 13, text: 'warn' },
  50: { number: 17, text: 'error' },
  60: { number: 21, text: 'fatal' },
} as Readonly<Record<number, { readonly number: number; readonly text: string }>> & {
  readonly 30: { readonly number: number; readonly text: string };
};
