/** A try that did not bring what it should, and whether it is worth another. */
import type { Refusal } from '../contracts/refusal.ts';
import type { RetryRule } from '../contracts/retry.ts';
import { readRetryAfterMs } from './backoff.ts';
import { type FailureKind, refusalFor } from './failures.ts';
import type { UpstreamTry } from './upstream-try.ts';

export type FailedTry = BadAnswer | NoAnswer;

/** An answer that says that it went wrong. The client gets it when nothing else is tried. */
export interface BadAnswer {
  readonly kind: 'status';
  readonly sent: true;
  readonly answer: HeldAnswer;
  /** What the upstream asked for, ms; 0: nothing. */
  readonly retryAfterMs: number;
}

export interface NoAnswer {
  readonly kind: FailureKind;
  /** The request had begun to go out. */
  readonly sent: boolean;
  readonly refusal: Refusal;
  readonly retryAfterMs: 0;
}

/** The head of an answer that has not been passed on yet; its body waits in the try. */
export interface HeldAnswer {
  readonly attempt: UpstreamTry;
  readonly status: number;
  readonly statusText: string | undefined;
  readonly raw: readonly Buffer[];
}

/** `wallMs`: Date.now(). */
export function failedWith(answer: HeldAnswer, wallMs: number): BadAnswer {
  const asksToWait = answer.status === 503 || answer.status === 429;
  return {
    kind: 'status',
    sent: true,
    answer,
    retryAfterMs: asksToWait ? readRetryAfterMs(answer.raw, wallMs) : 0,
  };
}

export function failedWithout(kind: FailureKind, sent: boolean): NoAnswer {
  return { kind, sent, refusal: refusalFor(kind), retryAfterMs: 0 };
}

/** The rule names such a failure as one that another try may mend. */
export function isWorthRetry(rule: RetryRule, { kind, sent }: FailedTry): boolean {
  switch (kind) {
    case 'connect':
      return rule.onConnect;
    case 'reset':
      return rule.onReset;
    case 'timeout':
      return rule.onTimeout || (rule.onConnect && !sent);
    case 'status':
      // Others are passed on at once.
      return true;
    case 'blocked':
    case 'protocol':
      return false;
  }
}
