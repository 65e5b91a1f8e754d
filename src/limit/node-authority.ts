/**
 * The authority for `backend: memory`, as a worker reaches it: the supervisor, over IPC. When it does not answer in time,
 * the worker keeps the limits by itself until it does, each limit whole: a request never waits for long, and a limit that
 * is too generous for a moment is better than none.
 */
import type { AsksMessage, ToWorker } from '../contracts/ipc.ts';
import type { Ask, Levels, LimitAuthority } from '../contracts/limiter.ts';
import type { Log } from '../contracts/log.ts';
import { judgeAsks, packAsks, unpackLevels } from './asks.ts';
import { BucketTable } from './bucket-table.ts';

export interface NodeAuthorityOptions {
  /** False: the supervisor has gone. */
  readonly send: (message: AsksMessage) => boolean;
  readonly log: Log;
  /** Milliseconds of a clock that is never set. */
  readonly now: () => number;
  /** So many requests have been decided on without the supervisor. */
  readonly onAlone: (requests: number) => void;
}

/**
 * The longest that a request waits for the supervisor, which answers within a millisecond unless the machine has stopped
 * it. Counted while the event loop of the worker runs.
 */
export const patienceMs = 1_000;

/** What a worker keeps by itself. */
const maxOwnBuckets = 16_384;
const ownShards = 16;

interface Pending {
  readonly asks: readonly Ask[];
  readonly packed: AsksMessage;
  readonly sentAt: number;
  readonly resolve: (levels: readonly Levels[]) => void;
}

export class NodeAuthority implements LimitAuthority {
  readonly #options: NodeAuthorityOptions;
  /** In the order in which they were sent, which is that of the answers. */
  readonly #pending = new Map<number, Pending>();
  #batches = 0;
  #timer: NodeJS.Timeout | null = null;
  /** Not null: the supervisor is silent, and the worker has buckets of its own. */
  #own: BucketTable | null = null;

  constructor(options: NodeAuthorityOptions) {
    this.#options = options;
  }

  admit(asks: readonly Ask[]): Promise<readonly Levels[]> {
    const packed: AsksMessage = { type: 'asks', batch: ++this.#batches, ...packAsks(asks) };
    // While the supervisor is silent nothing more is sent: it has enough to answer when it wakes up.
    if (this.#own !== null) return Promise.resolve(this.#decideAlone(asks, packed, this.#own));
    if (!this.#options.send(packed)) return Promise.resolve(this.#decideAlone(asks, packed, this.#leave()));
    return new Promise((resolve) => {
      this.#pending.set(packed.batch, { asks, packed, sentAt: this.#options.now(), resolve });
      if (this.#timer === null) this.#timer = setTimeout(() => this.#look(), patienceMs);
    });
  }

  /** The supervisor's answer. */
  answered({ batch, levels }: Extract<ToWorker, { type: 'admissions' }>): void {
    const pending = this.#pending.get(batch);
    this.#pending.delete(batch);
    pending?.resolve(unpackLevels(pending.asks, levels));
    if (this.#own === null) return;
    this.#own = null;
    this.#options.log.info({}, 'limits: the supervisor answers again');
  }

  /** Timers run before sockets are read: after a pause of this process the answer may be there already. */
  #look(): void {
    setImmediate(() => {
      this.#timer = null;
      const [oldest] = this.#pending.values();
      if (oldest === undefined) return;
      const left = oldest.sentAt + patienceMs - this.#options.now();
      if (left > 0) this.#timer = setTimeout(() => this.#look(), left);
      else this.#giveUp();
    });
  }

  #giveUp(): void {
    const own = this.#leave();
    for (const { asks, packed, resolve } of this.#pending.values()) resolve(this.#decideAlone(asks, packed, own));
    this.#pending.clear();
  }

  #leave(): BucketTable {
    if (this.#own !== null) return this.#own;
    this.#own = new BucketTable(maxOwnBuckets, ownShards);
    this.#options.log.warn({}, 'limits: the supervisor does not answer, this worker keeps them by itself');
    return this.#own;
  }

  #decideAlone(asks: readonly Ask[], packed: AsksMessage, own: BucketTable): Levels[] {
    this.#options.onAlone(asks.length);
    return unpackLevels(asks, judgeAsks(packed, own, Math.floor(this.#options.now())));
  }
}
