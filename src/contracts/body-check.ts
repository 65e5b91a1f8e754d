/** Checking a body elsewhere than on the event loop: large ones, and compressed ones. */
import type { Violation } from './refusal.ts';

/** Content-Encoding of a body, as far as it can be undone. */
export type ContentCoding = 'identity' | 'gzip' | 'deflate' | 'br' | 'zstd';

export interface BodyCheckJob {
  /** The JSON Schema as text, and a name for it that no other schema has. */
  readonly schema: string;
  readonly schemaId: string;
  readonly body: Buffer;
  readonly coding: ContentCoding;
  /** Of the body when its coding is undone. */
  readonly maxBytes: number;
  /** When its exchange began (performance.now), and how long that may take; 0: no limit. */
  readonly startedAt: number;
  readonly timeoutMs: number;
  /** False once the client has left: what has not begun by then need not begin. */
  isWanted(): boolean;
}

export interface Violations {
  readonly violations: readonly Violation[];
  /** There are more than these. */
  readonly hasMore: boolean;
}

export type BodyFinding =
  | 'fits'
  | Violations
  /** With its coding undone. */
  | 'too large'
  /** Its coding is not what the head says. */
  | 'malformed'
  /** Too many others wait: it was not looked at. */
  | 'shed'
  /** It took too long, or took the thread with it. */
  | 'failed';

/** The values of `body_checks_total{outcome}`. */
export type BodyCheckOutcome = 'checked' | 'shed' | 'late' | 'died' | 'left';

export interface BodyChecks {
  check(job: BodyCheckJob): Promise<BodyFinding>;
}
