/** A typed line between the supervisor and one worker. Sending never throws because the other side has gone: that is told by `onClose`. */
import type { ChildProcess, SendHandle } from 'node:child_process';

export interface Channel<Out, In> {
  /** False when the other side can't be reached any more. `handle` is a socket of which a copy travels along. */
  send(message: Out, handle?: unknown): boolean;
  /** Resolves when the message has been written, or can't be: for what must not pile up before a slow reader. */
  write(message: Out): Promise<void>;
  /** Messages come in the order in which they were sent. */
  onMessage(listener: (message: In, handle: unknown) => void): void;
  /** Called once, when nothing more can be sent or received. */
  onClose(listener: () => void): void;
  close(): void;
}

/** The line to a child forked with `serialization: 'advanced'`, or, given `process`, a worker's line to its supervisor. */
export function openChannel<Out, In>(peer: ChildProcess | NodeJS.Process): Channel<Out, In> {
  // Both have these methods, but their declarations differ too much to be called through the union.
  const end = peer as ChildProcess;
  return {
    send(message, handle) {
      if (!end.connected) return false;
      // With a callback, the error of a peer that has just died comes there, and is not emitted.
      end.send(message as object, handle as SendHandle, ignoreError);
      return true;
    },
    write(message) {
      return new Promise((resolve) => {
        if (end.connected) end.send(message as object, () => resolve());
        else resolve();
      });
    },
    onMessage(listener) {
      end.on('message', (message, handle) => listener(message as In, handle));
    },
    onClose(listener) {
      if (end.connected) end.once('disconnect', listener);
      else process.nextTick(listener);
    },
    close() {
      if (end.connected) end.disconnect();
    },
  };
}

function ignoreError(): void {}
