/** What is noted of one exchange whose trace is recorded, as plain fields; it becomes spans when the exchange is over. */
import type { Exchange, TraceContext } from '../contracts/exchange.ts';
import type { Recording } from '../contracts/recording.ts';
import type { Target, TryOutcome } from '../contracts/upstream.ts';
import { createHexSource } from '../core/random-ids.ts';

/** One try at an upstream. Times are monotonic ms. */
export class RecordedTry {
  readonly spanId: string;
  readonly target: Target;
  readonly upstream: string;
  readonly path: string;
  readonly startedAt: number;
  /** 0: it has not ended, or its answer is still being passed on. */
  endedAt = 0;
  /** Null: nobody has said. */
  outcome: TryOutcome | null = null;
  status = 0;
  failure = '';

  constructor(spanId: string, target: Target, upstream: string, path: string, startedAt: number) {
    this.spanId = spanId;
    this.target = target;
    this.upstream = upstream;
    this.path = path;
    this.startedAt = startedAt;
  }
}

/** Takes the exchange when it is over. */
export type RecordingSink = (recording: ExchangeRecording, x: Exchange, now: number) => void;

export class ExchangeRecording implements Recording {
  readonly trace: TraceContext;
  /** The wall clock's reading at monotonic 0: one for all times of an exchange, so that they keep their distances. */
  readonly epochMs: number;
  readonly tries: RecordedTry[] = [];
  traceparent: string;
  readonly #sink: RecordingSink;

  constructor(trace: TraceContext, epochMs: number, sink: RecordingSink) {
    this.trace = trace;
    this.epochMs = epochMs;
    this.traceparent = trace.traceparent;
    this.#sink = sink;
  }

  get spanId(): string {
    return this.trace.traceparent.slice(36, 52);
  }

  tryBegan(target: Target, upstream: string, path: string, now: number): void {
    const last = this.tries.at(-1);
    if (last !== undefined && last.outcome === null) {
      // Its connection was closed under it, and this one takes its place.
      last.outcome = 'reset';
      last.endedAt = now;
    }
    const spanId = nextHex(16);
    this.traceparent = `00-${this.trace.traceId}-${spanId}-${this.trace.traceparent.slice(53)}`;
    this.tries.push(new RecordedTry(spanId, target, upstream, path, now));
  }

  tryWithdrawn(): void {
    this.tries.pop();
  }

  tryEnded(outcome: TryOutcome, status: number, failure: string, now: number): void {
    const last = this.tries.at(-1);
    if (last === undefined) return;
    last.outcome = outcome;
    last.status = status;
    last.failure = failure;
    // With an answer it goes on until that is passed on, or another try takes its place.
    if (status === 0) last.endedAt = now;
  }

  answerEnded(now: number): void {
    const last = this.tries.at(-1);
    if (last !== undefined) last.endedAt = now;
  }

  ended(x: Exchange, now: number): void {
    this.#sink(this, x, now);
  }
}

const nextHex = createHexSource();
