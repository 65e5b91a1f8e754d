/** The response head that the client gets: the upstream's, as it came, less what ended at this hop. */
import type { Exchange } from '../contracts/exchange.ts';
import { connectionNames, hopByHopFields } from '../core/http-fields.ts';
import { exposedFields, originOf } from '../core/send-refusal.ts';

/**
 * Flat list for the reply: order, case, duplicates and bytes (latin1) as the upstream sent them; hop-by-hop fields and
 * those that Connection names removed; then the route's edits, CORS and the request id.
 */
export function buildResponseHeaders(raw: readonly Buffer[], x: Exchange): string[] {
  const headers: string[] = [];
  const edits = x.route?.responseHeaders ?? null;
  const cors = x.route?.cors ?? null;
  const named = namedByConnection(raw);
  // A length beside Transfer-Encoding is a lie (RFC 9112, section 6.3).
  const dropLength = transferEncoding(raw) !== null;

  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as Buffer).toString('latin1');
    const lower = name.toLowerCase();
    if (hopByHopFields.has(lower) || lower === 'x-request-id' || lower === 'proxy-authenticate') continue;
    if (dropLength && lower === 'content-length') continue;
    if (named?.has(lower)) continue;
    if (edits !== null && edits.remove.has(lower)) continue;
    if (cors !== null && lower.startsWith('access-control-')) continue;
    headers.push(name, (raw[i + 1] as Buffer).toString('latin1'));
  }

  if (edits !== null) headers.push(...edits.set, ...edits.add);
  if (cors !== null) headers.push(...cors.actual(originOf(x)), ...exposedFields(x));
  // An upstream's own limits stand beside these: both fields are lists.
  if (x.limitFields.length > 0) headers.push(...x.limitFields);
  headers.push('X-Request-Id', x.id);
  return headers;
}

/** The body's codings are ones that end where we think they do: none, or chunked once. */
export function isFramedClearly(raw: readonly Buffer[]): boolean {
  const codings = transferEncoding(raw);
  return codings === null || codings === 'chunked';
}

/** True when a 101 agrees to WebSocket and to nothing else. */
export function agreesToWebSocket(raw: readonly Buffer[]): boolean {
  let agrees = false;
  for (let i = 0; i < raw.length; i += 2) {
    if ((raw[i] as Buffer).toString('latin1').toLowerCase() !== 'upgrade') continue;
    agrees = (raw[i + 1] as Buffer).toString('latin1').toLowerCase() === 'websocket';
    if (!agrees) return false;
  }
  return agrees;
}

/** Trailer fields as a flat list, or null. Fields that would frame or route the message are dropped (RFC 9110, section 6.5.1). */
export function buildTrailers(raw: readonly Buffer[], x: Exchange): readonly string[] | null {
  if (raw.length === 0) return null;
  const removed = x.route?.responseHeaders?.remove ?? null;
  const hasCors = (x.route?.cors ?? null) !== null;
  const trailers: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as Buffer).toString('latin1');
    const lower = name.toLowerCase();
    if (hopByHopFields.has(lower) || lower === 'content-length' || lower === 'x-request-id') continue;
    if (removed?.has(lower) || (hasCors && lower.startsWith('access-control-'))) continue;
    trailers.push(name, (raw[i + 1] as Buffer).toString('latin1'));
  }
  return trailers.length === 0 ? null : trailers;
}

/** The reason phrase, unless it holds what can't be written back. */
export function reasonPhrase(text: string | undefined): string {
  if (text === undefined) return '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return '';
  }
  return text;
}

/** True for `Content-Type: text/event-stream`. */
export function isEventStream(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.length === 12 && name.toLowerCase() === 'content-type') {
      return (headers[i + 1] as string).toLowerCase().startsWith('text/event-stream');
    }
  }
  return false;
}

function namedByConnection(raw: readonly Buffer[]): Set<string> | null {
  let named: Set<string> | null = null;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as Buffer;
    if (name.length !== 10 || name.toString('latin1').toLowerCase() !== 'connection') continue;
    named = connectionNames((raw[i + 1] as Buffer).toString('latin1'), named);
  }
  // An upstream must not be able to unframe its own answer.
  named?.delete('content-length');
  return named;
}

/** All values of Transfer-Encoding, lower case and joined; null without one. */
function transferEncoding(raw: readonly Buffer[]): string | null {
  let codings: string | null = null;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as Buffer;
    if (name.length !== 17 || name.toString('latin1').toLowerCase() !== 'transfer-encoding') continue;
    const value = (raw[i + 1] as Buffer).toString('latin1').toLowerCase();
    codings = codings === null ? value : `${codings}, ${value}`;
  }
  return codings;
}
