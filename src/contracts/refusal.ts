/** An answer that the gateway makes itself instead of forwarding: a value, built once, not an exception. */
import type { AuthFailure } from './auth.ts';

export type RefusalCode =
  | 'bad_request'
  | 'validation_failed'
  | 'unauthorized'
  | 'forbidden'
  | 'no_route'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'body_too_large'
  | 'uri_too_long'
  | 'unsupported_media_type'
  | 'headers_too_large'
  | 'rate_limited'
  | 'upstream_unreachable'
  | 'upstream_reset'
  | 'upstream_protocol_error'
  | 'upstream_blocked'
  | 'circuit_open'
  | 'no_healthy_target'
  | 'overloaded'
  | 'draining'
  | 'rate_limiter_unavailable'
  | 'upstream_timeout';

export interface Refusal {
  readonly status: number;
  readonly code: RefusalCode;
  /** What was wrong and what to do about it, for the client; never an upstream address. */
  readonly detail: string;
  /** Flat list `[name, value, …]` of extra response fields (Allow, Retry-After, …). */
  readonly headers: readonly string[];
  /** The connection can't be trusted any more (ambiguous framing, a body left unread): it closes after the answer. */
  readonly close: boolean;
  /** Why auth refused, finer than the code: for metrics. Null: others refused. */
  readonly authFailure: AuthFailure | null;
  /** What in the request does not fit, one by one: validation says so. Null: others refused. */
  readonly errors: readonly RequestError[] | null;
}

export interface RequestError extends Violation {
  readonly in: 'body' | 'query' | 'headers';
}

export interface Violation {
  /** JSON Pointer (RFC 6901) to what is wrong, or missing; empty: the value as a whole. */
  readonly path: string;
  /** What is asked for; never a value of the request, nor one of the config that might be a secret. */
  readonly message: string;
}

/** `null`: go on. */
export type Verdict = Refusal | null;
