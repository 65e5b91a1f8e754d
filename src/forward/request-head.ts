/** The request head that the upstream gets: the client's fields as they came, less what is not theirs to say, and the gateway's own. */
import type { ForwardAction, HeaderEdits } from '../contracts/compiled.ts';
import type { Exchange } from '../contracts/exchange.ts';
import type { Target, Upstream } from '../contracts/upstream.ts';
import { forwardedFields } from '../core/client-address.ts';
import { connectionNames, namesField } from '../core/http-fields.ts';

/** What happens to a client's field of this name; all others pass. */
type Treatment = 'drop' | 'via' | 'length' | 'proto' | 'host' | 'port';

const treatments: ReadonlyMap<string, Treatment> = new Map<string, Treatment>([
  ['connection', 'drop'],
  ['via', 'via'],
  ['content-length', 'length'],
  ['x-forwarded-for', 'drop'],
  ['x-forwarded-proto', 'proto'],
  ['x-forwarded-host', 'host'],
  ['x-forwarded-port', 'port'],
  ['host', 'drop'],
  ['keep-alive', 'drop'],
  ['proxy-connection', 'drop'],
  ['te', 'drop'],
  ['transfer-encoding', 'drop'],
  ['upgrade', 'drop'],
  ['expect', 'drop'],
  // Meant for a proxy on the way here, which is us.
  ['proxy-authorization', 'drop'],
  // Trailers of requests end here.
  ['trailer', 'drop'],
  ['forwarded', 'drop'],
  ['x-request-id', 'drop'],
  ['traceparent', 'drop'],
  ['tracestate', 'drop'],
  ['x-consumer-name', 'drop'],
  // The trace token, right or wrong, and whether there is one or not.
  ['x-sluice-trace', 'drop'],
]);

/**
 * Flat list `[name, value, …]` for undici, Host first. A Content-Length goes on as it came; without one undici frames a
 * streamed body in chunks, and a whole one by its length.
 */
export function buildRequestHeaders(x: Exchange, action: ForwardAction, upstream: Upstream, target: Target): string[] {
  const { head } = x;
  const raw = head.rawHeaders;
  const edits = x.route?.requestHeaders ?? null;
  const headers: string[] = ['host', hostFor(x, action, upstream, target)];
  const named = namedByConnection(raw);
  const { keyField } = x.config;
  const trusted = head.client.isPeerTrusted;
  let via = '';
  let proto: string | null = null;
  let host: string | null = null;
  let port: string | null = null;

  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    const lower = name.toLowerCase();
    const treatment = treatments.get(lower);
    if (treatment === undefined) {
      if (keyField !== null && namesField(lower, keyField)) continue;
      // X_Consumer_Name must not speak for the gateway either.
      if (lower.includes('_') && treatments.has(lower.replaceAll('_', '-'))) continue;
      if (named?.has(lower) || edits?.remove.has(lower)) continue;
      headers.push(name, value);
      continue;
    }
    switch (treatment) {
      case 'length':
        headers.push(name, value);
        break;
      case 'via':
        via = via === '' ? value : `${via}, ${value}`;
        break;
      case 'proto':
        if (trusted) proto = value;
        break;
      case 'host':
        if (trusted) host = value;
        break;
      case 'port':
        if (trusted) port = value;
        break;
      case 'drop':
        break;
    }
  }

  if (edits !== null) addEdits(headers, edits);
  headers.push(...forwardedFields(head.client, head, { proto, host, port }));
  headers.push(
    'Via',
    via === '' ? ownVia[head.versionMinor] : `${via}, ${ownVia[head.versionMinor]}`,
    'X-Request-Id',
    x.id,
    'traceparent',
    x.recording === null ? x.trace.traceparent : x.recording.traceparent,
  );
  if (x.trace.tracestate !== '') headers.push('tracestate', x.trace.tracestate);
  if (x.consumer !== '') headers.push('X-Consumer-Name', x.consumer);
  return headers;
}

/** Path and query: byte for byte the client's unless the route rewrites the path. */
export function buildRequestPath(x: Exchange, action: ForwardAction, target: Target): string {
  const { head } = x;
  const path = action.rewritePath === null ? head.forwardPath : action.rewritePath(head.forwardPath);
  if (head.queryAt === head.target.length) return target.basePath + path;
  return target.basePath + path + head.target.slice(head.queryAt);
}

function hostFor(x: Exchange, action: ForwardAction, upstream: Upstream, target: Target): string {
  const preserve = action.preserveHost ?? upstream.preserveHost;
  return preserve && x.head.authority !== '' ? x.head.authority : target.hostHeader;
}

function namedByConnection(raw: readonly string[]): Set<string> | null {
  let named: Set<string> | null = null;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.length === 10 && name.toLowerCase() === 'connection') named = connectionNames(raw[i + 1] as string, named);
  }
  return named;
}

function addEdits(headers: string[], edits: HeaderEdits): void {
  for (const entry of edits.set) headers.push(entry);
  for (const entry of edits.add) headers.push(entry);
}

/** RFC 9110, section 7.6.3: the version received, and a pseudonym for this hop. */
const ownVia = ['1.0 sluice', '1.1 sluice'] as const;
