/**
 * The client's side of an exchange. node:http today; HTTP/2 streams or a leaner codec can take its place without the
 * pipeline noticing.
 */
import type { Duplex } from 'node:stream';

/** Who wants to know what becomes of an answer: one object, no closures. */
export interface ReplyObserver {
  /** What `data` held back has been taken by the client. */
  replyDrained(): void;
  /** Nothing more can be sent: the answer is complete, or the client has left. Called exactly once. */
  replyClosed(): void;
}

export interface Reply {
  observer: ReplyObserver | null;
  /** A final head has been handed over. */
  readonly begun: boolean;
  /** The client speaks HTTP/1.1: it understands 1xx, chunks and trailers. */
  readonly persistentByDefault: boolean;
  /** A 1xx answer before the final one; dropped for clients that can't read it. */
  informational(status: number, headers: readonly string[]): void;
  /**
   * The final head. `headers` is a flat list as the client will see it, without framing other than Content-Length.
   * It travels with the first data, or at the end of this turn of the event loop.
   */
  head(status: number, reason: string, headers: readonly string[]): void;
  /** False: wait for `replyDrained` before sending more. */
  data(chunk: Buffer): boolean;
  /** A flat list of trailer fields, or null. */
  end(trailers: readonly string[] | null): void;
  /** Head and body of an answer that is known whole. */
  whole(status: number, headers: readonly string[], body: Buffer): void;
  /** Cut the answer so that the client can't take it for a complete one. */
  abort(): void;
  /** The connection is closed after this answer. */
  closeConnection(): void;
}

/** A client's side on which an upgrade was asked for. */
export interface UpgradeReply extends Reply {
  /** The answer 101: from then on the connection is the tunnel's. */
  switchProtocols(headers: readonly string[]): TunnelEnd;
}

/** The client's socket after 101, and what it sent too early. */
export interface TunnelEnd {
  readonly socket: Duplex;
  readonly early: Buffer;
}
