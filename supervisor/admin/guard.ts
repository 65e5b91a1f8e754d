/**
 * Who may ask the admin listener for what. Its clients are programs and people on this machine or with a token; a page in
 * a browser that came from elsewhere must get nothing and change nothing, with or without one.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { refusal } from '../../src/core/refusals.ts';
import type { AdminProblem, Endpoint } from './endpoint.ts';

export interface GuardOptions {
  /** Where it listens. */
  readonly host: string;
  readonly token: string | null;
}

export interface Guard {
  /** Asked before it is looked whether there is such an endpoint (null: no): without the token not even that is told. */
  refuseVisitor(headers: IncomingHttpHeaders, endpointFor: Endpoint['for'] | null): AdminProblem | null;
  /** A request that changes something, let in by `refuseVisitor`. */
  refuseChange(headers: IncomingHttpHeaders): AdminProblem | null;
}

export function createGuard({ host, token }: GuardOptions): Guard {
  const isLocal = host === 'localhost' || isLoopback(host);
  const expected = token === null ? null : digest(token);
  return {
    refuseVisitor(headers, endpointFor) {
      // A page in a browser can have its own name resolve to 127.0.0.1 and so reach a listener that trusts the loopback.
      if (isLocal && !isLocalName(headers.host ?? '', host)) return wrongHost;
      if (expected === null || endpointFor === 'everybody') return null;
      const given = digest(bearerOf(headers.authorization ?? ''));
      return timingSafeEqual(given, expected) ? null : unauthorized;
    },
    refuseChange(headers) {
      if (!isOwnPage(headers)) return crossSite;
      return expected !== null || isDeliberate(headers) ? null : notDeliberate;
    },
  };
}

/** Browsers say where a request that changes something comes from; other clients say nothing. */
function isOwnPage(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'] ?? 'none';
  if (site !== 'same-origin' && site !== 'none') return false;
  const { origin } = headers;
  return origin === undefined || origin.toLowerCase() === `http://${(headers.host ?? '').toLowerCase()}`;
}

/** A form of another site can send none of these; a script would have to ask first, and hears no. With a token, that does. */
function isDeliberate(headers: IncomingHttpHeaders): boolean {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
  return headers['x-sluice-admin'] !== undefined || deliberateTypes.has(type.trim().toLowerCase());
}

const deliberateTypes: ReadonlySet<string> = new Set(['application/json', 'application/yaml']);

/** RFC 6750; the scheme's case does not matter. */
function bearerOf(authorization: string): string {
  return /^bearer +(.*)$/i.exec(authorization)?.[1] ?? '';
}

/** Digests have one length, so comparing them tells nothing of the token's. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function isLocalName(authority: string, listenHost: string): boolean {
  const name = authority
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return name === '' || name === 'localhost' || name === listenHost.toLowerCase() || isLoopback(name);
}

function isLoopback(ip: string): boolean {
  return ip === '::1' || (isIP(ip) === 4 && ip.startsWith('127.'));
}

const wrongHost = refusal('forbidden', 'the admin listener is local: ask for it as localhost or by its address');
const unauthorized = refusal('unauthorized', 'the admin listener wants Authorization: Bearer and admin.token', [
  'WWW-Authenticate',
  'Bearer realm="sluice admin"',
]);
const crossSite = refusal('forbidden', 'pages of other sites change nothing here');
const notDeliberate = refusal(
  'forbidden',
  'a change wants the field X-Sluice-Admin: 1, or a Content-Type of application/json or application/yaml',
);
