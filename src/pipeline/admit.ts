/**
 * The front door: turns what a parser let through into a RequestHead, or refuses it. Everything that two HTTP
 * implementations could read in two ways ends here, before a route is looked for (RFC 9112, sections 2.2 to 6.3).
 */
import type { CompiledConfig } from '../contracts/compiled.ts';
import type { ClientAddress, RequestHead } from '../contracts/exchange.ts';
import type { Refusal, Verdict } from '../contracts/refusal.ts';
import { canonicalizePath } from '../core/canonical-path.ts';
import { resolveClient } from '../core/client-address.ts';
import { fieldValues } from '../core/http-fields.ts';
import { closingRefusal } from '../core/refusals.ts';
import { parseAuthority } from './authority.ts';

/** What a listener knows of a request. */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly versionMajor: number;
  readonly versionMinor: number;
  /** Flat list, case and order as sent. */
  readonly rawHeaders: readonly string[];
  /** An IPv4-mapped address as IPv4. */
  readonly peerIp: string;
  readonly scheme: 'http' | 'https';
}

export interface Admission {
  /** Filled as far as possible also for a refused request: logs want it. */
  readonly head: RequestHead;
  readonly refusal: Verdict;
  /** Content-Length; 0 without a body; null when chunked. */
  readonly bodyBytes: number | null;
  readonly requestId: string | null;
  readonly traceparents: readonly string[];
  readonly tracestates: readonly string[];
}

const none: readonly string[] = [];

export function admit(raw: RawRequest, config: CompiledConfig): Admission {
  let refused: Refusal | null = checkVersion(raw) ?? checkSize(raw, config);
  const fields = collect(raw.rawHeaders);
  refused ??= fields.problem ?? checkFraming(raw, fields);

  const target = readTarget(raw, fields.host);
  refused ??= target.refusal;
  const queryAt = indexOrEnd(target.text, '?');
  const path = refused === null ? canonicalizePath(target.text.slice(0, queryAt)) : null;
  if (path === null) refused ??= badPath;
  if (refused === null && !isCleanQuery(target.text, queryAt)) refused = badTarget;

  return {
    head: {
      method: raw.method,
      target: target.text,
      queryAt,
      path: path?.path ?? '',
      forwardPath: path?.forward ?? '',
      otherPaths: path?.others ?? none,
      host: target.host,
      authority: fields.host ?? '',
      rawHeaders: raw.rawHeaders,
      versionMinor: raw.versionMinor === 0 ? 0 : 1,
      scheme: raw.scheme,
      client: clientOf(raw, config),
    },
    refusal: refused,
    bodyBytes: fields.chunked ? null : fields.length,
    requestId: fields.requestId,
    traceparents: fields.traceparents,
    tracestates: fields.tracestates,
  };
}

function clientOf(raw: RawRequest, config: CompiledConfig): ClientAddress {
  const { peerIp, rawHeaders } = raw;
  if (config.isTrusted === null) {
    return { ip: peerIp, isPeerTrusted: false, forwardedFor: peerIp, proto: null, host: null };
  }
  const xForwardedFor = fieldValues(rawHeaders, 'x-forwarded-for');
  return resolveClient(peerIp, xForwardedFor, fieldValues(rawHeaders, 'forwarded'), config.isTrusted);
}

const badVersion = closingRefusal('bad_request', 'only HTTP/1.0 and HTTP/1.1 are spoken here');
const badTarget = closingRefusal('bad_request', 'the request target is malformed');
const badPath = closingRefusal('bad_request', 'the path is malformed, ambiguous, or climbs above the root');
const badHost = closingRefusal('bad_request', 'exactly one valid Host field is needed');
const otherHost = closingRefusal('bad_request', 'the request target names another host than the Host field');
const badLength = closingRefusal('bad_request', 'Content-Length must be one decimal number');
const badEncoding = closingRefusal(
  'bad_request',
  'Transfer-Encoding may only be "chunked", on HTTP/1.1, and without Content-Length',
);
const badExpectation = closingRefusal('bad_request', 'the only expectation that can be met is 100-continue');
const noTunnels = closingRefusal('bad_request', 'this is a gateway, not a forward proxy: CONNECT is not served');
const asterisk = closingRefusal('bad_request', 'the gateway as a whole takes no requests; name a path');
const tooManyFields = closingRefusal('headers_too_large', 'the request has too many header fields');
export const headTooLarge = closingRefusal('headers_too_large', 'the header fields of the request are too large');
export const targetTooLong = closingRefusal('uri_too_long', 'the request target is too long');

/** node's parser lets them through behind RTSP/1.x only, and does not tell. (GET, POST and OPTIONS it can't be told of.) */
const rtspMethods: ReadonlySet<string> = new Set([
  'ANNOUNCE',
  'DESCRIBE',
  'FLUSH',
  'GET_PARAMETER',
  'PAUSE',
  'PLAY',
  'RECORD',
  'REDIRECT',
  'SET_PARAMETER',
  'SETUP',
  'TEARDOWN',
]);

function checkVersion(raw: RawRequest): Verdict {
  if (raw.versionMajor !== 1 || raw.versionMinor > 1 || rtspMethods.has(raw.method)) return badVersion;
  // Likewise behind ICE/1.0, the protocol of streaming radio.
  return raw.versionMinor === 0 && raw.method === 'SOURCE' ? badVersion : null;
}

function checkSize(raw: RawRequest, config: CompiledConfig): Verdict {
  if (raw.target.length > config.maxUrlBytes) return targetTooLong;
  const { rawHeaders } = raw;
  if (rawHeaders.length > config.maxHeaders * 2) return tooManyFields;
  // A line is name, colon, space, value and CRLF.
  let bytes = rawHeaders.length * 2;
  for (let i = 0; i < rawHeaders.length; i++) bytes += (rawHeaders[i] as string).length;
  return bytes > config.maxHeaderBytes ? headTooLarge : null;
}

interface Fields {
  host: string | null;
  hosts: number;
  length: number;
  lengths: number;
  chunked: boolean;
  encodings: number;
  requestId: string | null;
  traceparents: string[] | readonly string[];
  tracestates: string[] | readonly string[];
  problem: Refusal | null;
}

/** One pass over the fields; names are told apart by their length first. */
function collect(rawHeaders: readonly string[]): Fields {
  const fields: Fields = {
    host: null,
    hosts: 0,
    length: 0,
    lengths: 0,
    chunked: false,
    encodings: 0,
    requestId: null,
    traceparents: none,
    tracestates: none,
    problem: null,
  };
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    switch (name.length) {
      case 4:
      case 6:
      case 10:
      case 11:
      case 12:
      case 14:
      case 17:
        takeField(fields, name.toLowerCase(), rawHeaders[i + 1] as string);
    }
  }
  return fields;
}

function takeField(fields: Fields, name: string, value: string): void {
  switch (name) {
    case 'host':
      fields.hosts++;
      fields.host ??= value;
      break;
    case 'content-length':
      fields.lengths++;
      fields.length = parseLength(value);
      if (fields.length === -1) fields.problem = badLength;
      break;
    case 'transfer-encoding':
      fields.encodings++;
      fields.chunked = value.toLowerCase() === 'chunked';
      if (!fields.chunked) fields.problem = badEncoding;
      break;
    case 'expect':
      if (value.toLowerCase() !== '100-continue') fields.problem ??= badExpectation;
      break;
    case 'x-request-id':
      // Sent twice it identifies nothing.
      fields.requestId = fields.requestId === null ? value : '';
      break;
    case 'traceparent':
      fields.traceparents = [...fields.traceparents, value];
      break;
    case 'tracestate':
      fields.tracestates = [...fields.tracestates, value];
      break;
  }
}

function checkFraming(raw: RawRequest, fields: Fields): Verdict {
  if (fields.encodings > 1 || (fields.chunked && (raw.versionMinor === 0 || fields.lengths > 0))) return badEncoding;
  if (fields.lengths > 1) return badLength;
  // HTTP/1.0 may leave Host out.
  if (fields.hosts > 1 || (fields.hosts === 0 && raw.versionMinor === 1)) return badHost;
  return null;
}

/** A canonical decimal number that JavaScript can count to, or -1. */
function parseLength(value: string): number {
  if (value.length === 0 || value.length > 16) return -1;
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  if (value.length > 1 && value.charCodeAt(0) === 48) return -1;
  return Number.isSafeInteger(length) ? length : -1;
}

interface Target {
  /** Origin-form. */
  readonly text: string;
  /** Lower case, no port. */
  readonly host: string;
  readonly refusal: Verdict;
}

/** Origin-form passes; an absolute-form must name the host that the Host field names (RFC 9112, section 3.2.2). */
function readTarget(raw: RawRequest, hostField: string | null): Target {
  const { target } = raw;
  const host = hostField === null ? '' : parseAuthority(hostField);
  if (host === null) return { text: target, host: '', refusal: badHost };
  if (raw.method === 'CONNECT') return { text: target, host, refusal: noTunnels };
  if (target.charCodeAt(0) === slash) return { text: target, host, refusal: null };
  if (target === '*') return { text: target, host, refusal: asterisk };

  const scheme = schemeEnd(target);
  if (scheme === -1) return { text: target, host, refusal: badTarget };
  const pathAt = endOfAuthority(target, scheme);
  const authority = target.slice(scheme, pathAt);
  const named = parseAuthority(authority);
  const rest = target.slice(pathAt);
  const text = rest.charCodeAt(0) === slash ? rest : `/${rest}`;
  if (named === null) return { text, host, refusal: badTarget };
  const same = hostField === null || withoutPort(authority, scheme) === withoutPort(hostField, scheme);
  return { text, host: named, refusal: same ? null : otherHost };
}

/** In lower case, without the port that the scheme (told by the length of `http://`) has anyway. */
function withoutPort(authority: string, scheme: number): string {
  const lower = authority.toLowerCase();
  const port = scheme === 7 ? ':80' : ':443';
  return lower.endsWith(port) ? lower.slice(0, -port.length) : lower;
}

const slash = 47;

function schemeEnd(target: string): number {
  const start = target.slice(0, 8).toLowerCase();
  if (start.startsWith('http://')) return 7;
  return start === 'https://' ? 8 : -1;
}

function endOfAuthority(target: string, from: number): number {
  for (let i = from; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code === slash || code === 63 || code === 35) return i;
  }
  return target.length;
}

/** Visible ASCII, and no fragment. */
function isCleanQuery(target: string, from: number): boolean {
  for (let i = from; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code <= 32 || code >= 127 || code === 35) return false;
  }
  return true;
}

function indexOrEnd(text: string, character: string): number {
  const at = text.indexOf(character);
  return at === -1 ? text.length : at;
}
