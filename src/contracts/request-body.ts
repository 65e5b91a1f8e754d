/** The body of a request as the pipeline sees it: absent, whole in memory, or still on its way. */
import type { Readable } from 'node:stream';
import type { Refusal } from './refusal.ts';

/** Who wants to know what becomes of a body that is streamed. */
export interface BodyObserver {
  /** The client broke its promise (too large, too slow, malformed, gone): the upstream request must be aborted. */
  bodyFailed(refusal: Refusal | null): void;
}

export interface RequestBody {
  /** Content-Length; 0 without a body; null when chunked. */
  readonly declaredBytes: number | null;
  /** The body when it has arrived completely with the head, or was collected: it can be sent again. Null: it is on its way. */
  readonly whole: Buffer | null;
  /** Nothing more will come from the client. */
  readonly complete: boolean;
  /**
   * Reads the body to its end and keeps it: then it is `whole`. At most once, when `whole` is null; `timeoutMs` is for the
   * exchange, 0: none. `no room`: the worker holds as much of bodies as it may, and this one can still be opened. A
   * refusal: the client broke its promise. Never settles for a client that has left: nobody waits for its answer.
   */
  collect(maxBytes: number, idleMs: number, timeoutMs: number): Promise<'whole' | 'no room' | Refusal>;
  /** Opens the body for reading: sends 100 Continue where the client waits for it. At most once, when `whole` is null. */
  open(maxBytes: number, idleMs: number, observer: BodyObserver): Readable;
}
