/** A span as the exporters take it: plain data that is complete when it is made, without the machinery of a live span. */
import type { Attributes, HrTime, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-base';
import { hrTime } from './hr-time.ts';
import { scope } from './resource.ts';

/** Of a span without texts that a client chooses. */
const ownBytes = 1024;

/** About how many bytes it keeps in memory. */
export function sizeOfSpan({ attributes, spanContext }: FinishedSpan): number {
  let bytes = ownBytes + (spanContext().traceState?.serialize().length ?? 0);
  for (const name in attributes) {
    const value = attributes[name];
    if (typeof value === 'string') bytes += value.length;
  }
  return bytes;
}

export interface SpanFacts {
  readonly name: string;
  readonly kind: SpanKind;
  readonly context: SpanContext;
  readonly parent: SpanContext | null;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  readonly status: SpanStatus;
  readonly attributes: Attributes;
  readonly events: TimedEvent[];
  readonly resource: Resource;
}

export class FinishedSpan implements ReadableSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly parentSpanContext?: SpanContext;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly duration: HrTime;
  readonly status: SpanStatus;
  readonly attributes: Attributes;
  readonly links: [] = [];
  readonly events: TimedEvent[];
  readonly ended = true;
  readonly resource: Resource;
  readonly instrumentationScope = scope;
  readonly droppedAttributesCount = 0;
  readonly droppedEventsCount = 0;
  readonly droppedLinksCount = 0;
  readonly #context: SpanContext;

  constructor(facts: SpanFacts) {
    this.name = facts.name;
    this.kind = facts.kind;
    this.#context = facts.context;
    if (facts.parent !== null) this.parentSpanContext = facts.parent;
    this.startTime = hrTime(facts.startMs);
    this.endTime = hrTime(facts.endMs);
    this.duration = hrTime(facts.endMs - facts.startMs);
    this.status = facts.status;
    this.attributes = facts.attributes;
    this.events = facts.events;
    this.resource = facts.resource;
  }

  readonly spanContext = (): SpanContext => this.#context;
}
