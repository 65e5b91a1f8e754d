/** A worker's side of the permits that the supervisor grants. A supervisor that does not answer holds nobody up. */
import type { ToSupervisor, ToWorker } from '../contracts/ipc.ts';
import type { PermitAnswer, PermitKind, PermitOutcome, PermitSource } from '../contracts/permits.ts';

export type PermitMessage = Extract<ToSupervisor, { type: 'permit:ask' | 'permit:back' }>;

/** An answer takes well below a millisecond; after this time the supervisor is busy with something bad, ms. */
const answerMs = 50;

interface Asked {
  readonly kind: PermitKind;
  readonly key: string;
  readonly resolve: (answer: PermitAnswer) => void;
  readonly timer: NodeJS.Timeout;
  isLate: boolean;
}

export class NodePermits implements PermitSource {
  readonly #send: (message: PermitMessage) => void;
  /** Those that are late stay: their answer may hold a permit, which has to go back. */
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;

  constructor(send: (message: PermitMessage) => void) {
    this.#send = send;
  }

  ask(kind: PermitKind, key: string, room: number): Promise<PermitAnswer> {
    const id = ++this.#lastId;
    this.#send({ type: 'permit:ask', id, kind, key, room });
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#look(id), answerMs);
      this.#asked.set(id, { kind, key, resolve, timer, isLate: false });
    });
  }

  giveBack(kind: PermitKind, key: string, outcome: PermitOutcome): void {
    this.#send({ type: 'permit:back', kind, key, outcome });
  }

  receive({ id, granted }: Extract<ToWorker, { type: 'permit:answer' }>): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    clearTimeout(asked.timer);
    if (asked.isLate && granted) this.giveBack(asked.kind, asked.key, 'canceled');
    asked.resolve(granted ? 'granted' : 'refused');
  }

  /** Timers run before messages are read: after a pause of this process the answer may be there already. */
  #look(id: number): void {
    setImmediate(() => {
      const asked = this.#asked.get(id);
      if (asked === undefined) return;
      asked.isLate = true;
      asked.resolve('late');
    });
  }
}
