/**
 * Keeps what has streamed through from piling up: each read of a socket is a buffer outside of V8's heap, dead a moment
 * later, and V8 looks for dead ones only after 64 MB of them, with a full collection. A small collection each few MB
 * keeps a worker that carries large bodies tens of MB smaller, and costs less. (Measured: docs/decisions/0007.)
 */
import { collectGarbage } from './collect-garbage.ts';

/** So many bytes between two collections. */
const intervalBytes = 8 * 1024 * 1024;

let streamedBytes = 0;

/** Called with the size of each piece of a body that has been passed on. */
export function noteStreamed(bytes: number): void {
  streamedBytes += bytes;
  if (streamedBytes < intervalBytes) return;
  streamedBytes = 0;
  collectGarbage('minor');
}
