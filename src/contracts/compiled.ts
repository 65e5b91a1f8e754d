/** The config as the request path reads it: everything that can be settled beforehand is settled. Immutable; one per version. */

import type { Mode, Priority } from './config.ts';
import type { Exchange } from './exchange.ts';
import type { Maybe } from './maybe.ts';
import type { Verdict } from './refusal.ts';
import type { RequestBody } from './request-body.ts';
import type { RouteTable } from './route.ts';
import type { Upstream } from './upstream.ts';

export interface CompiledConfig {
  readonly version: number;
  readonly routes: RouteTable<CompiledRoute>;
  readonly maxHeaders: number;
  readonly maxHeaderBytes: number;
  readonly maxUrlBytes: number;
  readonly idleMs: number;
  readonly isTrusted: ((ip: string) => boolean) | null;
  /** Whether a request with these fields is told where its time went; null: none is. */
  readonly showsTraceToken: ((rawHeaders: readonly string[]) => boolean) | null;
  /** The field that shows a client's key, lower case: it goes no further than here. Null: there is none. */
  readonly keyField: string | null;
  /** Of the shedding under overload. */
  readonly overloadMode: Mode;
  readonly endpoints: { readonly health: boolean; readonly metrics: boolean };
}

/** One question to a request on its way; null lets it go on. It has no memory of its own, so that routes can share it. */
export type Stage = (x: Exchange) => Verdict;

/** The limits that may apply to the requests of a route. */
export interface RouteLimits {
  /**
   * Puts a request to all that apply, once. `isDenied`: auth has refused it already, and it counts as its sender's own all
   * the same.
   */
  admit(x: Exchange, isDenied: boolean): Maybe<Verdict>;
}

/** As a stage, of requests whose body counts too: it may have to be awaited. */
export type BodyStage = (x: Exchange, body: RequestBody) => Maybe<Verdict>;

export interface CompiledRoute {
  /** The label in metrics and logs. */
  readonly label: string;
  /** Its pattern, as in the config. */
  readonly path: string;
  readonly priority: Priority;
  /** The pressure from which on its requests are turned away. */
  readonly shedFrom: number;
  /** Finds out who the client is and sets `x.consumer`; null: nobody is asked. */
  readonly auth: Stage | null;
  /** Whether that client may come; null: all may. */
  readonly consumers: Stage | null;
  /** Null: none can apply. */
  readonly limits: RouteLimits | null;
  /** What the request must look like; null: anything goes. */
  readonly validate: BodyStage | null;
  readonly action: ForwardAction | RespondAction;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  readonly cors: Cors | null;
  readonly requestHeaders: HeaderEdits | null;
  readonly responseHeaders: HeaderEdits | null;
}

export interface ForwardAction {
  readonly kind: 'forward';
  readonly upstreams: readonly WeightedUpstream[];
  readonly totalWeight: number;
  /** From 0 up to 1: the draw of everybody who is told apart by this; null: each request is drawn anew. */
  readonly sticky: ((x: Exchange) => number) | null;
  /** Per try, until the response head is complete; 0: none; null: the upstream's. */
  readonly tryTimeoutMs: number | null;
  /** Asked when the drawn one fails, or its circuit is open. */
  readonly fallback: Upstream | null;
  readonly rewritePath: PathRewrite | null;
  readonly preserveHost: boolean | null;
}

export interface WeightedUpstream {
  readonly upstream: Upstream;
  readonly weight: number;
}

export interface RespondAction {
  readonly kind: 'respond';
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/**
 * The path to send upstream (no query), made from the client's path with dot segments resolved. What the route's
 * pattern captured is taken from there too, so that it keeps its bytes as sent.
 */
export type PathRewrite = (forwardPath: string) => string;

/** Lower-case names to remove, and flat lists `[name, value, …]` to set (replacing) and to add. Applied in this order. */
export interface HeaderEdits {
  readonly remove: ReadonlySet<string>;
  readonly set: readonly string[];
  readonly add: readonly string[];
}

/** Cross-origin policy of a route (Fetch standard, CORS protocol). Origin `null` stands for an absent Origin field. */
export interface Cors {
  /** Response fields of a successful or failed preflight: always answered 204, without them when the origin is not allowed. */
  preflight(origin: string, requestedMethod: string, requestedHeaders: string): readonly string[];
  /** Fields to put on every actual response, `Vary: Origin` included. */
  actual(origin: string | null): readonly string[];
}
