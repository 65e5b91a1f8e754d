/** Builds refusals and their problem+json bodies (RFC 9457). */
import type { Refusal, RefusalCode } from '../contracts/refusal.ts';
import { refusalCodes } from './refusal-codes.ts';

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** A refusal that leaves the connection usable; every 503 says when to come back. */
export function refusal(code: RefusalCode, detail: string, headers: readonly string[] = none): Refusal {
  const { status } = refusalCodes[code];
  const all = status === 503 && headers.length === 0 ? retrySoon : headers;
  return { status, code, detail, headers: all, close: false, authFailure: null, errors: null };
}

/** A refusal after which nothing on the connection can be trusted, or is worth reading. */
export function closingRefusal(code: RefusalCode, detail: string): Refusal {
  return { ...refusal(code, detail), close: true };
}

export function problemTitle(status: number): string {
  return titles[status] ?? 'Error';
}

/** What a problem body is made of; a refusal, or what the admin listener says. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly object[] | null;
}

/**
 * The body of a refusal. `instance` names the occurrence by the request's id (RFC 9457, section 3.1.5), so that what a
 * client reports can be found in the log.
 */
export function problemBody(refused: Problem, requestId: string): Buffer {
  return Buffer.from(
    JSON.stringify({
      type: `urn:sluice:problem:${refused.code}`,
      title: problemTitle(refused.status),
      status: refused.status,
      detail: refused.detail,
      instance: `urn:sluice:request:${requestId}`,
      code: refused.code,
      requestId,
      // JSON leaves out what is undefined.
      errors: refused.errors ?? undefined,
    }),
  );
}

const none: readonly string[] = [];
const retrySoon: readonly string[] = ['Retry-After', '1'];
