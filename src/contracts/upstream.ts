/** An upstream as the request path sees it: where to send, and under which limits. Outlives reloads while it does not change. */
import type { Dispatcher } from 'undici';

export interface Upstream {
  readonly name: string;
  /** Per try, until the response head is complete; 0: none. */
  readonly timeoutMs: number;
  readonly preserveHost: boolean;
  readonly target: Target;
}

export interface Target {
  /** The label in logs: `host:port`. */
  readonly label: string;
  /** The Host field as in the url: no default port. */
  readonly hostHeader: string;
  /** Path prefix of the url, without a trailing slash; mostly empty. */
  readonly basePath: string;
  /** TLS server name, null for plain HTTP. */
  readonly servername: string | null;
  readonly dispatcher: Dispatcher;
  readonly maxInflight: number;
  /** Requests handed to the dispatcher and not yet ended. Written by forward. */
  inflight: number;
}
