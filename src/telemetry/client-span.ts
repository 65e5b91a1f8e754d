/** The span of one try, with the attributes that OpenTelemetry has agreed on for HTTP clients. */
import { type Attributes, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_RESEND_COUNT,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
  ATTR_URL_SCHEME,
} from '@opentelemetry/semantic-conventions';
import type { Exchange } from '../contracts/exchange.ts';
import type { Target } from '../contracts/upstream.ts';
import { FinishedSpan } from './finished-span.ts';
import { spanMethod } from './methods.ts';
import { ownText } from './own-text.ts';
import type { ExchangeRecording, RecordedTry } from './recording.ts';
import { contextOf, type SpanSettings } from './span-settings.ts';

/** `index`: which of the exchange's tries it is. `now`: the end of the exchange. */
export function clientSpan(
  x: Exchange,
  recording: ExchangeRecording,
  index: number,
  now: number,
  settings: SpanSettings,
): FinishedSpan {
  const attempt = recording.tries[index] as RecordedTry;
  const isLast = index === recording.tries.length - 1;
  const error = errorOf(attempt, isLast ? x : null);
  const attributes = describe(attempt, x, settings.withQuery);
  if (index > 0) attributes[ATTR_HTTP_REQUEST_RESEND_COUNT] = index;
  if (error !== null) attributes[ATTR_ERROR_TYPE] = error;
  const next = recording.tries[index + 1];
  // An answer that was not passed on was over, at the latest, when its successor began.
  const endedAt = attempt.endedAt || (next === undefined ? now : next.startedAt);
  return new FinishedSpan({
    name: spanMethod(x.head.method).name,
    kind: SpanKind.CLIENT,
    context: contextOf(recording.trace, attempt.spanId),
    parent: contextOf(recording.trace, recording.spanId),
    startMs: recording.epochMs + attempt.startedAt,
    endMs: recording.epochMs + endedAt,
    status: statusOf(error, attempt.failure),
    attributes,
    events: [],
    resource: settings.resource,
  });
}

function describe({ target, upstream, path, status }: RecordedTry, x: Exchange, withQuery: boolean): Attributes {
  const scheme = target.servername === null ? 'http' : 'https';
  const [address, port] = addressOf(target);
  const attributes: Attributes = {
    [ATTR_HTTP_REQUEST_METHOD]: spanMethod(x.head.method).method,
    [ATTR_URL_SCHEME]: scheme,
    [ATTR_URL_FULL]: ownText(`${scheme}://${target.hostHeader}${withQuery ? path : beforeQuery(path)}`),
    [ATTR_SERVER_ADDRESS]: address,
    [ATTR_NETWORK_PROTOCOL_VERSION]: '1.1',
    'sluice.upstream': upstream,
  };
  if (port !== null) attributes[ATTR_SERVER_PORT] = port;
  if (status > 0) attributes[ATTR_HTTP_RESPONSE_STATUS_CODE] = status;
  return attributes;
}

/** Of `host:port/base`; an upstream inside the gateway has a name and no port. */
function addressOf({ label, basePath }: Target): [string, number | null] {
  const host = label.slice(0, label.length - basePath.length);
  const colon = host.lastIndexOf(':');
  return colon === -1 ? [label, null] : [host.slice(0, colon).replace(/^\[|\]$/g, ''), Number(host.slice(colon + 1))];
}

function beforeQuery(path: string): string {
  const queryAt = path.indexOf('?');
  return queryAt === -1 ? path : path.slice(0, queryAt);
}

/**
 * An outcome of upstream_requests_total, or a status from 400 on; null: it went well. `x`: of the last try, whose answer
 * may have been cut.
 */
function errorOf({ outcome, status, endedAt }: RecordedTry, x: Exchange | null): string | null {
  if (status >= 400) return String(status);
  if (outcome !== 'success' && outcome !== 'server_error') return outcome ?? 'canceled';
  if (x === null || !x.aborted || endedAt > 0) return null;
  return x.refusal === null ? 'canceled' : x.refusal.code;
}

function statusOf(error: string | null, failure: string): { code: SpanStatusCode; message?: string } {
  if (error === null) return { code: SpanStatusCode.UNSET };
  return failure === '' ? { code: SpanStatusCode.ERROR } : { code: SpanStatusCode.ERROR, message: failure };
}
