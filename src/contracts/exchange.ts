/** One request on its way through the gateway: the one object that every stage reads, and whose fields name their writer. */
import type { CompiledConfig, CompiledRoute } from './compiled.ts';
import type { LimitDecision } from './limiter.ts';
import type { Recording } from './recording.ts';
import type { Refusal, RefusalCode } from './refusal.ts';
import type { StageTimes } from './timing.ts';
import type { Target, Upstream } from './upstream.ts';
import type { UpstreamLimit } from './upstream-limit.ts';

/** What the client sent, as checked by the front door. Immutable from then on. */
export interface RequestHead {
  /** Upper-case token as sent. */
  readonly method: string;
  /** Path and query, byte for byte as sent (origin-form; the path part of an absolute-form). */
  readonly target: string;
  /** Index of "?" in target, or target.length. */
  readonly queryAt: number;
  /** Canonical path for matching: unreserved escapes decoded, dot segments resolved. */
  readonly path: string;
  /** Path to forward: as sent, except that dot segments are resolved. */
  readonly forwardPath: string;
  /** Other ways to read the path (encoded slashes as slashes, empty segments merged); mostly empty. */
  readonly otherPaths: readonly string[];
  /** Host to match on: lower case, no port. Empty for an HTTP/1.0 request without one. */
  readonly host: string;
  /** Host and port as sent. */
  readonly authority: string;
  /** Flat list `[name, value, …]` as sent, in order, case kept, latin1. */
  readonly rawHeaders: readonly string[];
  readonly versionMinor: 0 | 1;
  readonly scheme: 'http' | 'https';
  readonly client: ClientAddress;
}

/** Who the client is, after trustedProxies, and what to tell upstreams about it. */
export interface ClientAddress {
  /** The client, or the last hop that is known when what it says of its own client is unreadable. */
  readonly ip: string;
  /** True when the TCP peer is a trusted proxy: only then do its fields count. */
  readonly isPeerTrusted: boolean;
  /** The X-Forwarded-For to send: the hops so far and the peer. */
  readonly forwardedFor: string;
  /** From the element of Forwarded that names the client; null: none, or X-Forwarded-For decided. */
  readonly proto: string | null;
  readonly host: string | null;
}

export class Exchange {
  readonly head: RequestHead;
  readonly config: CompiledConfig;
  readonly id: string;
  readonly trace: TraceContext;
  /** Monotonic ms (performance.now). */
  readonly startedAt: number;
  /** match */
  route: CompiledRoute | null = null;
  /** overload: it was let in, and counts as work until its end */
  isLoad = false;
  /** request handler: from the client's certificate; auth */
  consumer = '';
  /** limit: what came of it; null: no limit applies */
  limited: LimitDecision | null = null;
  /** limit: RateLimit and RateLimit-Policy for the answer, whoever gives it */
  limitFields: readonly string[] = noFields;
  /** match: an answer that needs no upstream (a CORS preflight, `respond`) */
  answer: LocalAnswer | null = null;
  /** resolve; forward, when it turns to the fallback */
  upstream: Upstream | null = null;
  /** forward: where the last try went */
  target: Target | null = null;
  /** serve, forward: its place among the requests that the upstream has under way; null: none, or not any more */
  place: UpstreamLimit | null = null;
  /** forward */
  attempts = 0;
  upstreamMs = 0;
  /** forward: the upstream in whose place the route's fallback was asked; else empty */
  fallbackFor = '';
  /** forward: the code of the error that ended the last try (ECONNREFUSED, ENOTFOUND, …), for the log alone; else empty */
  failure = '';
  /** Whoever refuses first: why the gateway answered by itself, or cut the answer short. */
  refusal: Refusal | null = null;
  /** forward, respond or refuse: status sent to the client; 0 before any head, 499 when the client left before it. */
  status = 0;
  /** listener and reply */
  bytesIn = 0;
  bytesOut = 0;
  /** An answer that was begun and could not be completed, or a client that left. */
  aborted = false;
  /** Codes that policies in shadow mode would have refused with. */
  shadow: readonly RefusalCode[] = noShadow;
  /** request handler: null unless the request has shown the trace token */
  timing: StageTimes | null = null;
  /** request handler: null unless its trace is recorded */
  recording: Recording | null = null;

  constructor(head: RequestHead, config: CompiledConfig, id: string, trace: TraceContext, startedAt: number) {
    this.head = head;
    this.config = config;
    this.id = id;
    this.trace = trace;
    this.startedAt = startedAt;
  }
}

/** W3C trace context of the request, continued from the client's or started here. */
export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** The span that the client names as its own, 16 hex digits; empty when the trace begins here. */
  readonly parentId: string;
  /** Whoever began the trace wants it recorded. */
  readonly isSampled: boolean;
  /** The field to send upstream: the same trace, with the gateway's own parent id. */
  readonly traceparent: string;
  /** Only with a valid traceparent from the client; else empty. */
  readonly tracestate: string;
}

/** An answer that the gateway gives without being asked to refuse. */
export interface LocalAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}
const noShadow: readonly RefusalCode[] = [];
const noFields: readonly string[] = [];
