/** Where workers report the tries at upstreams, and ask for what the node has only a few of. */
import type { BreakerChange } from '../src/contracts/breaker.ts';
import type { UpstreamConfig } from '../src/contracts/config.ts';
import type { ToSupervisor, ToWorker } from '../src/contracts/ipc.ts';
import { upstreamKey } from '../src/core/upstream-key.ts';
import { numbersPerRow } from '../src/ipc/try-report.ts';
import { type BreakerStanding, Breakers, type BreakersOptions } from './breakers.ts';
import { RetryFloor } from './retry-floor.ts';
import type { WorkerProcess } from './worker-process.ts';

export type DeskMessage = Extract<ToSupervisor, { type: 'tries' | 'permit:ask' | 'permit:back' }>;
type Asker = Pick<WorkerProcess, 'id' | 'send'>;

export function isForDesk(message: ToSupervisor): message is DeskMessage {
  return message.type === 'tries' || message.type === 'permit:ask' || message.type === 'permit:back';
}

export class UpstreamDesk {
  readonly #retries = new RetryFloor();
  readonly #breakers: Breakers;
  readonly #now: () => number;

  constructor(options: BreakersOptions) {
    this.#breakers = new Breakers(options);
    this.#now = options.now;
  }

  /** The upstreams of the config in force. */
  follow(upstreams: readonly UpstreamConfig[]): void {
    this.#breakers.follow(upstreams);
    this.#retries.keepOnly(new Set(upstreams.map(upstreamKey)));
  }

  /** What a worker has to know when it begins to serve. */
  news(): ToWorker[] {
    return this.#breakers.news();
  }

  /** What another node says of an upstream. False: it is not known here. */
  adopt(change: BreakerChange): boolean {
    return this.#breakers.adopt(change);
  }

  describe(key: string): BreakerChange {
    return this.#breakers.describe(key);
  }

  /** An operator's word on the breaker of this upstream. False: it has none. */
  orderBreaker(upstream: string, state: 'open' | 'closed', forMs: number): boolean {
    return this.#breakers.order(upstream, state, forMs);
  }

  /** Null: the upstream has no breaker. */
  breakerOf(upstream: string): BreakerStanding | null {
    return this.#breakers.standingOf(upstream);
  }

  receive(worker: Asker, message: DeskMessage): void {
    switch (message.type) {
      case 'tries':
        for (const [i, key] of message.keys.entries()) this.#take(worker.id, key, message.numbers, i * numbersPerRow);
        return;
      case 'permit:ask':
        this.#answer(worker, message);
        return;
      case 'permit:back':
        if (message.kind === 'probe') this.#breakers.probeEnded(worker.id, message.key, message.outcome);
        else this.#retries.giveBack(worker.id, message.key);
        return;
    }
  }

  /** The worker has ended: what it held is free again. */
  forget(worker: number): void {
    this.#retries.forget(worker);
    this.#breakers.forget(worker);
  }

  #take(worker: number, key: string, numbers: Float64Array, at: number): void {
    const [good = 0, failed = 0, retrying = 0, room = 0] = numbers.subarray(at, at + numbersPerRow);
    this.#breakers.record(key, good, failed);
    this.#retries.shareChanged(worker, key, retrying, room, this.#now());
  }

  #answer(worker: Asker, { id, kind, key, room }: Extract<DeskMessage, { type: 'permit:ask' }>): void {
    const granted =
      kind === 'probe' ? this.#breakers.askProbe(worker.id, key) : this.#retries.ask(worker.id, key, room, this.#now());
    // It may have asked because it has missed something.
    if (kind === 'probe' && !granted) worker.send({ type: 'breaker:changed', change: this.#breakers.describe(key) });
    worker.send({ type: 'permit:answer', id, granted });
  }
}
