/** One request on its way through the gateway: the one object that every stage reads, and whose fields name their writer. */
import type { CompiledConfig, CompiledRoute } from './compiled.ts';
import type { Refusal } from './refusal.ts';

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
  /** Host to match on: lower case, no port. Empty for an HTTP/1.0 request without one. */
  readonly host: string;
  /** Host and port as sent. */
  readonly authority: string;
  /** Flat list `[name, value, …]` as sent, in order, case kept, latin1. */
  readonly rawHeaders: readonly string[];
  readonly versionMinor: 0 | 1;
  readonly scheme: 'http' | 'https';
  /** Address of the TCP peer. */
  readonly peerIp: string;
  /** The client's address, after trustedProxies. */
  readonly clientIp: string;
}

export class Exchange {
  readonly head: RequestHead;
  readonly config: CompiledConfig;
  readonly id: string;
  /** W3C trace context: 32 hex digits. */
  readonly traceId: string;
  /** Monotonic ms (performance.now), and the wall clock for the log. */
  readonly startedAt: number;
  /** match */
  route: CompiledRoute | null = null;
  /** match: values of the pattern's parameters, in order; the text behind "*" comes last. */
  params: readonly string[] = noParams;
  /** auth */
  consumer = '';
  /** resolve: name of the upstream; forward: its target */
  upstream = '';
  target = '';
  /** forward */
  attempts = 0;
  upstreamMs = 0;
  /** Whoever refuses first: why the gateway answered by itself, or cut the answer short. */
  refusal: Refusal | null = null;
  /** forward, respond or refuse: status sent to the client; 0 before any head, 499 when the client left before it. */
  status = 0;
  /** listener and reply */
  bytesIn = 0;
  bytesOut = 0;
  /** An answer that was begun and could not be completed, or a client that left. */
  aborted = false;

  constructor(head: RequestHead, config: CompiledConfig, id: string, traceId: string, startedAt: number) {
    this.head = head;
    this.config = config;
    this.id = id;
    this.traceId = traceId;
    this.startedAt = startedAt;
  }
}

const noParams: readonly string[] = [];
