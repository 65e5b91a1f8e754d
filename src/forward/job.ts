/** What forwarding is given, and whom it tells. */
import type { Exchange } from '../contracts/exchange.ts';
import type { Reply, UpgradeReply } from '../contracts/reply.ts';
import type { RequestBody } from '../contracts/request-body.ts';
import type { TryOutcome, Upstream } from '../contracts/upstream.ts';

/** An exchange with both of its client's sides. */
export interface ForwardJob {
  readonly x: Exchange;
  readonly body: RequestBody;
  readonly reply: Reply;
  /** The reply again, for a request that asks for a WebSocket. */
  readonly upgrade: UpgradeReply | null;
  readonly observer: ForwardObserver;
}

/** What forwarding tells its surroundings: one object per worker. */
export interface ForwardObserver {
  /** The exchange is over, on every path: answered, refused, cut or left by the client. Called exactly once. */
  exchangeEnded(x: Exchange): void;
  /** A try at an upstream is over; `durationMs` until the response head, or until it failed. */
  tryEnded(x: Exchange, upstream: Upstream, outcome: TryOutcome, durationMs: number): void;
  /** Overload protection has turned it away while it waited: from now on it is no work any more. */
  shedWaiting(x: Exchange): void;
  /** A try begins that repeats one at the same upstream. */
  retried(upstream: Upstream): void;
  /** The answer has become an endless one: it no longer counts as a request in flight, and a drain ends it by `letGo`. */
  streamOpened(stream: OpenStream): void;
  streamClosed(stream: OpenStream): void;
}

/** A WebSocket or an event stream. */
export interface OpenStream {
  /** Ends it politely: a close frame (1001), or a clean end of the event stream. */
  letGo(): void;
}

/** nginx's number for a client that left before it was answered; it stands in logs and metrics only. */
export const clientClosedRequest = 499;
