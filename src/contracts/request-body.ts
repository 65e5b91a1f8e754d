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
  /** The body when it has arrived completely with the head: it can be sent again. Null while it is on its way. */
  readonly whole: Buffer | null;
  /** Nothing more will come from the client. */
  readonly complete: boolean;
  /** Opens the body for reading: sends 100 Continue where the client waits for it. At most once, when `whole` is null. */
  open(maxBytes: number, idleMs: number, observer: BodyObserver): Readable;
}
