/** The span of an exchange as the client sees it, with the attributes that OpenTelemetry has agreed on for HTTP servers. */
import { type Attributes, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { TimedEvent } from '@opentelemetry/sdk-trace-base';
import {
  ATTR_CLIENT_ADDRESS,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_PATH,
  ATTR_URL_QUERY,
  ATTR_URL_SCHEME,
  ATTR_USER_AGENT_ORIGINAL,
} from '@opentelemetry/semantic-conventions';
import type { Exchange, RequestHead } from '../contracts/exchange.ts';
import { fieldValues } from '../core/http-fields.ts';
import { FinishedSpan } from './finished-span.ts';
import { hrTime } from './hr-time.ts';
import { spanMethod } from './methods.ts';
import { ownText } from './own-text.ts';
import type { ExchangeRecording } from './recording.ts';
import { contextOf, type SpanSettings } from './span-settings.ts';

export function serverSpan(
  x: Exchange,
  recording: ExchangeRecording,
  now: number,
  settings: SpanSettings,
): FinishedSpan {
  const endMs = recording.epochMs + now;
  const error = errorOf(x);
  const attributes = describeRequest(x.head, settings.withQuery);
  const { name } = spanMethod(x.head.method);
  if (x.route !== null) attributes[ATTR_HTTP_ROUTE] = x.route.path;
  if (x.status > 0) attributes[ATTR_HTTP_RESPONSE_STATUS_CODE] = x.status;
  if (error !== null) attributes[ATTR_ERROR_TYPE] = error;
  describeExchange(attributes, x);
  return new FinishedSpan({
    name: x.route === null ? name : `${name} ${x.route.path}`,
    kind: SpanKind.SERVER,
    context: contextOf(recording.trace, recording.spanId),
    parent: recording.trace.parentId === '' ? null : contextOf(recording.trace, recording.trace.parentId, true),
    startMs: recording.epochMs + x.startedAt,
    endMs,
    // What the client did wrong is no error of this server.
    status: { code: isOurError(x) ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes,
    events: eventsOf(x, endMs),
    resource: settings.resource,
  });
}

function describeRequest(head: RequestHead, withQuery: boolean): Attributes {
  const { target, queryAt, authority } = head;
  const { method, original } = spanMethod(head.method);
  const attributes: Attributes = {
    [ATTR_HTTP_REQUEST_METHOD]: method,
    [ATTR_URL_SCHEME]: head.scheme,
    [ATTR_URL_PATH]: ownText(target.slice(0, queryAt)),
    [ATTR_CLIENT_ADDRESS]: head.client.ip,
    [ATTR_NETWORK_PROTOCOL_VERSION]: `1.${head.versionMinor}`,
  };
  if (original !== null) attributes[ATTR_HTTP_REQUEST_METHOD_ORIGINAL] = ownText(original);
  if (withQuery && queryAt < target.length) attributes[ATTR_URL_QUERY] = ownText(target.slice(queryAt + 1));
  if (head.host !== '') {
    attributes[ATTR_SERVER_ADDRESS] = head.host;
    attributes[ATTR_SERVER_PORT] = portOf(authority) ?? (head.scheme === 'https' ? 443 : 80);
  }
  // The one field that is read: all others may hold what is secret.
  const [userAgent] = fieldValues(head.rawHeaders, 'user-agent');
  if (userAgent !== undefined) attributes[ATTR_USER_AGENT_ORIGINAL] = ownText(userAgent);
  return attributes;
}

/** What the gateway knows beside HTTP, under the names of the access log. */
function describeExchange(attributes: Attributes, x: Exchange): void {
  attributes['sluice.request_id'] = x.id;
  attributes['sluice.route'] = x.route === null ? 'none' : x.route.label;
  attributes['http.request.body.size'] = x.bytesIn;
  attributes['http.response.body.size'] = x.bytesOut;
  if (x.attempts > 0) attributes['sluice.attempts'] = x.attempts;
  if (x.upstream !== null) attributes['sluice.upstream'] = x.upstream.name;
  if (x.fallbackFor !== '') attributes['sluice.fallback_for'] = x.fallbackFor;
  if (x.consumer !== '') attributes['sluice.consumer'] = x.consumer;
  if (x.aborted) attributes['sluice.aborted'] = true;
}

/** Why the gateway answered by itself or cut the answer, and what it would have refused for. */
function eventsOf(x: Exchange, endMs: number): TimedEvent[] {
  const events: TimedEvent[] = [];
  const add = (name: string, code: string): void => {
    events.push({ name, time: hrTime(endMs), attributes: { 'sluice.code': code }, droppedAttributesCount: 0 });
  };
  for (const code of x.shadow) add('shadow', code);
  if (x.refusal !== null) add('refusal', x.refusal.code);
  return events;
}

function isOurError(x: Exchange): boolean {
  // A cut answer has begun with a status that promised more.
  return x.status >= 500 || (x.aborted && x.refusal !== null && x.refusal.status >= 500);
}

/** Of few values; null: none, as with a 4xx, which the conventions count as no error of a server. */
function errorOf(x: Exchange): string | null {
  if (x.status < 500 && !x.aborted) return null;
  if (x.refusal !== null) return x.refusal.code;
  return x.aborted ? 'client_closed' : String(x.status);
}

/** `host:port`; a host without one, as an IPv6 address in brackets, has none behind its last colon. */
function portOf(authority: string): number | null {
  const colon = authority.lastIndexOf(':');
  if (colon === -1 || authority.endsWith(']')) return null;
  const port = Number(authority.slice(colon + 1));
  return port > 0 ? port : null;
}
