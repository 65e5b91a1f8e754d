/** What is noted of an exchange whose trace is recorded. The others, nearly all of them, have none. */
import type { Exchange, TraceContext } from './exchange.ts';
import type { Target, TryOutcome } from './upstream.ts';

/** Times are monotonic ms. */
export interface Recording {
  /** Of the exchange as a whole, 16 hex digits. */
  readonly spanId: string;
  /** What the try that has begun last sends along: each try is a step of its own in the trace. */
  readonly traceparent: string;
  /** `path`: as sent, with the query. */
  tryBegan(target: Target, upstream: string, path: string, now: number): void;
  /** It was not taken by its target, and never happened. */
  tryWithdrawn(): void;
  /** `status`: 0 without an answer; `failure`: the code of the error that ended it, or empty. */
  tryEnded(outcome: TryOutcome, status: number, failure: string, now: number): void;
  /** The last byte of the answer that is passed on has come from the upstream. */
  answerEnded(now: number): void;
  /** The exchange is over: called once. */
  ended(x: Exchange, now: number): void;
}

export interface Tracer {
  /** Share of the traces that begin here and are recorded, 0 to 1. */
  readonly sampleRatio: number;
  record(trace: TraceContext, now: number): Recording;
}
