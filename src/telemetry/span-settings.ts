/** What all spans of a gateway share. */
import { type SpanContext, TraceFlags } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { TraceContext } from '../contracts/exchange.ts';

export interface SpanSettings {
  readonly resource: Resource;
  /** `logging.query`: what may not stand in a log may not stand in a span. */
  readonly withQuery: boolean;
}

export function contextOf(trace: TraceContext, spanId: string, isRemote = false): SpanContext {
  const context = { traceId: trace.traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote };
  return trace.tracestate === '' ? context : { ...context, traceState: stateOf(trace.tracestate) };
}

/** The exporters only want it as text. */
function stateOf(text: string): NonNullable<SpanContext['traceState']> {
  const state: NonNullable<SpanContext['traceState']> = {
    serialize: () => text,
    get: () => undefined,
    set: () => state,
    unset: () => state,
  };
  return state;
}
