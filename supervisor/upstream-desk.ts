/** Where workers report the tries at upstreams, and ask for what the node has only a few of. */
import type { ToSupervisor } from '../src/contracts/ipc.ts';
import { numbersPerRow } from '../src/ipc/try-report.ts';
import { RetryFloor } from './retry-floor.ts';
import type { WorkerProcess } from './worker-process.ts';

export type DeskMessage = Extract<ToSupervisor, { type: 'tries' | 'permit:ask' | 'permit:back' }>;

export function isForDesk(message: ToSupervisor): message is DeskMessage {
  return message.type === 'tries' || message.type === 'permit:ask' || message.type === 'permit:back';
}

export class UpstreamDesk {
  readonly #retries = new RetryFloor();

  receive(worker: Pick<WorkerProcess, 'id' | 'send'>, message: DeskMessage): void {
    switch (message.type) {
      case 'tries':
        for (const [i, key] of message.keys.entries()) {
          const [, , retrying = 0, room = 0] = message.numbers.subarray(i * numbersPerRow, (i + 1) * numbersPerRow);
          this.#retries.shareChanged(worker.id, key, retrying, room, performance.now());
        }
        return;
      case 'permit:ask': {
        const granted = this.#retries.ask(worker.id, message.key, message.room, performance.now());
        worker.send({ type: 'permit:answer', id: message.id, granted });
        return;
      }
      case 'permit:back':
        this.#retries.giveBack(worker.id, message.key);
        return;
    }
  }

  /** The worker has ended: what it held is free again. */
  forget(worker: number): void {
    this.#retries.forget(worker);
  }
}
