/**
 * Closing a connection on which the client is still sending: closed at once, the kernel would answer its next bytes
 * with a reset, and the reset would take our answer from the client's buffer (RFC 9112, section 9.6).
 */
import type { Socket } from 'node:net';

/** What still comes is read and thrown away for so long, ms. */
const lingerMs = 1_000;

/** node closes a connection after its last answer by `destroySoon`: from now on that lingers. */
export function lingerOnClose(socket: Socket): void {
  socket.destroySoon = lingerThenDestroy;
}

/** Sends what is written, says that nothing more will come, and waits for the client to stop. */
export function lingerThenDestroy(this: Socket): void {
  if (this.destroyed) return;
  this.end();
  this.resume();
  this.once('end', () => this.destroy());
  destroyLater.call(this);
}

/** For what is written to arrive, where nothing tells that it has. */
export function destroyLater(this: Socket): void {
  const timer = setTimeout(destroy, lingerMs, this);
  this.once('close', () => clearTimeout(timer));
}

function destroy(socket: Socket): void {
  socket.destroy();
}
