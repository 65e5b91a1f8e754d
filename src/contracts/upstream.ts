/** An upstream as the request path sees it: where to send, and over which connections. Outlives reloads while it does not change. */
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Breaker } from './breaker.ts';
import type { Priority } from './config.ts';
import type { Exchange } from './exchange.ts';
import type { RetryBudget, RetryRule } from './retry.ts';

export interface Upstream extends TryPolicies {
  readonly name: string;
  /** Per try, until the response head is complete; 0: none. */
  readonly timeoutMs: number;
  readonly preserveHost: boolean;
  /**
   * Where the next try of this exchange goes: a target that has room for it. `tried`: where it has been already, which is
   * avoided while another one has.
   */
  pick(x: Exchange, tried: readonly Target[]): Target | NoTarget;
}

export type NoTarget =
  /** None may be asked. */
  | 'none usable'
  /** At each that may, all connections are busy, and so are the places of those who wait for one. */
  | 'all full';

/** What governs the tries at an upstream. */
export interface TryPolicies {
  readonly retry: RetryRule;
  /** Null: nothing is tried again. */
  readonly budget: RetryBudget | null;
  /** Null: it is always asked. */
  readonly breaker: Breaker | null;
}

export interface Target {
  /** The label in logs and metrics: `host:port`, and the base path where there is one. */
  readonly label: string;
  /** The Host field as in the url: no default port. */
  readonly hostHeader: string;
  /** Path prefix of the url, without a trailing slash; mostly empty. */
  readonly basePath: string;
  /** The name in the url, for undici; null for plain HTTP. Which name TLS asks for is the connector's matter. */
  readonly servername: string | null;
  readonly connections: ConnectionPool;
  /** Hears how each try at it ended, exactly once per try. */
  ended(outcome: TryOutcome): void;
}

/**
 * The connections to one target: at most `maxConnections`, and at most `maxPending` attempts that wait for one. Who matters
 * more is sent first; when no place is left to wait, it takes that of one who matters less.
 */
export interface ConnectionPool {
  /** Attempts under way, those that wait included; without WebSockets, which have left the pool. */
  readonly inFlight: number;
  /** WebSockets that are open to the target. They take no place of `maxConnections`, but they are work for the target. */
  readonly tunnels: number;
  /** An attempt of this priority can be sent, or can wait. */
  hasRoom(priority: Priority): boolean;
  /** Hand over an attempt for which there is room. */
  dispatch(options: Dispatcher.DispatchOptions, attempt: Attempt): void;
  /** Take back an attempt that still waits for a connection; false when it waits no more. */
  withdraw(attempt: Attempt): boolean;
}

/** One try of an exchange: undici's handler, which also knows its connection. */
export interface Attempt extends Dispatcher.DispatchHandler {
  readonly priority: Priority;
  /** Written by the pool before the handler's first call; null: it waits for one. */
  connection: Connection | null;
  /** It waited, and will not be sent: the pool has let go of it. */
  turnedAway(why: TurnedAway): void;
  /** undici: the first byte of an answer has come. */
  onResponseStarted(): void;
}

export type TurnedAway =
  /** The worker has more to do than it lets wait at this priority. */
  | 'pressure'
  /** Somebody who matters more has its place. */
  | 'displaced';

export interface Connection {
  /** Requests that have been sent over the socket in use; 0 right after connecting. */
  requests: number;
  /** The socket in use was reset by the other side. */
  readonly reset: boolean;
  /** Sends another attempt in place of one whose socket has gone: it gets a fresh socket, and the connection's release. */
  sendAgain(options: Dispatcher.DispatchOptions, attempt: Attempt): void;
  /** The attempt is over: exactly one call per attempt, after undici's last call to it. Or `handOver`. */
  release(): void;
  /** The attempt is over, and its socket is a tunnel now. */
  handOver(socket: Duplex): void;
}

/** How a try ended; the values of a metric's label. */
export type TryOutcome =
  /** A complete answer below 500, or an open tunnel. */
  | 'success'
  /** A complete answer of 500 or above. */
  | 'server_error'
  /** No connection: DNS, connect or TLS failed. */
  | 'unreachable'
  | 'reset'
  /** No response head in time. */
  | 'timeout'
  | 'protocol_error'
  /** The SSRF guard refused the address. */
  | 'blocked'
  /** The client left, or the exchange's own time was up before the try had had most of it: nobody's fault upstream. */
  | 'canceled';
