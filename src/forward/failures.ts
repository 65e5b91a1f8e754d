/** What an error of an upstream attempt means: whose fault it is, what the client is told, and whether nothing had been sent. */
import type { Refusal } from '../contracts/refusal.ts';
import type { TryOutcome } from '../contracts/upstream.ts';
import { blockedCode } from '../core/blocked-addresses.ts';
import { refusal } from '../core/refusals.ts';

export type FailureKind = 'blocked' | 'connect' | 'reset' | 'timeout' | 'protocol';

const blocked = refusal('upstream_blocked', 'the upstream is at an address that this gateway may not reach');
const unreachable = refusal('upstream_unreachable', 'the upstream could not be reached');
const reset = refusal('upstream_reset', 'the upstream closed the connection before it answered');
const protocolError = refusal('upstream_protocol_error', 'the answer of the upstream is not valid HTTP');
const upstreamTimeout = refusal('upstream_timeout', 'the upstream did not answer in time');
export const exchangeTimeout = refusal('upstream_timeout', 'the exchange was not complete in time');
export const noHealthyTarget = refusal('no_healthy_target', 'no server of the upstream is usable; try again later');
export const stalled = refusal('upstream_timeout', 'nothing moved for too long');

const refusals: { readonly [K in FailureKind]: Refusal } = {
  blocked,
  connect: unreachable,
  reset,
  timeout: upstreamTimeout,
  protocol: protocolError,
};

const outcomes: { readonly [K in FailureKind]: TryOutcome } = {
  blocked: 'blocked',
  connect: 'unreachable',
  reset: 'reset',
  timeout: 'timeout',
  protocol: 'protocol_error',
};

export function outcomeOf(kind: FailureKind): TryOutcome {
  return outcomes[kind];
}

export function refusalFor(kind: FailureKind): Refusal {
  return refusals[kind];
}

/**
 * `sent` tells whether the request had begun to go out on a connection. Errors of undici and of node:net, by code:
 * messages are read only where undici uses one code for two things.
 */
export function classifyFailure(error: NodeJS.ErrnoException, sent: boolean): FailureKind {
  const code = error.code ?? '';
  // Also in the middle of an answer: a new config may refuse what is open.
  if (code === blockedCode) return 'blocked';
  if (!sent) return isTimeout(code) ? 'timeout' : 'connect';
  // In TLS 1.3 a server says only after our part of the handshake that it does not like our certificate.
  if (isHandshakeAlert(code)) return 'connect';
  if (code.startsWith('HPE_')) return 'protocol';
  switch (code) {
    case 'UND_ERR_SOCKET':
      return error.message === 'bad response' || error.message === 'bad upgrade' ? 'protocol' : 'reset';
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
    case 'UND_ERR_INVALID_ARG':
      return 'protocol';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
      return 'reset';
    default:
      return isTimeout(code) ? 'timeout' : 'protocol';
  }
}

function isTimeout(code: string): boolean {
  return code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT' || code === 'SLUICE_DNS_TIMEOUT';
}

/** What OpenSSL makes of alerts that only a handshake ends with: the request behind it was not read. */
function isHandshakeAlert(code: string): boolean {
  return code.startsWith('ERR_SSL_') && /ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/.test(code);
}

/** Methods whose repetition changes nothing (RFC 9110, section 9.2.2). */
export function isIdempotent(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'PUT':
    case 'DELETE':
    case 'TRACE':
      return true;
    default:
      return false;
  }
}
