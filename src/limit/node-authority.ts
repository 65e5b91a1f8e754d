/**
 * The authority for `backend: memory`, as a worker reaches it: the supervisor, over IPC. When it does not answer in time,
 * the worker keeps the limits by itself until it does, each limit whole: a request never waits for long, and a limit that
 * is too generous for a moment is better than none.
 */
import type { AsksMessage, ToWorker } from '../contracts/ipc.ts';
import type { Ask, Levels, LimitAuthority } from '../contracts/limiter.ts';
import type { Log } from '../contracts/log.ts';
import { packAsks, unpackLevels } from './asks.ts';
import { BucketTable } from './bucket-table.ts';
import { judge } from './judge.ts';

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
 * The supervisor, which answers within a millisecond, is given up after a second. Counted in looks, so that a pause of the
 * whole machine, in which nobody could have answered, is one look and no more.
 */
const lookEveryMs = 250;
const maxLooks = 4;

/** What a worker keeps by itself. */
const maxOwnBuckets = 16_384;
const ownShards = 16;

/** Asks of one turn that wait to be answered together. */
interface Part {
  readonly asks: readonly Ask[];
  readonly resolve: (levels: readonly Levels[]) => void;
}

export class NodeAuthority implements LimitAuthority {
  readonly #options: NodeAuthorityOptions;
  /** On their way to the supervisor. Never a second batch: a message costs more than the asks in it. */
  #sent: readonly Part[] = [];
  /** What has been asked since. */
  #queue: Part[] = [];
  #batch = 0;
  #timer: NodeJS.Timeout | null = null;
  /** How often the worker will still look for the answer. */
  #patience = 0;
  /** Not null: the supervisor is silent, and the worker has buckets of its own. */
  #own: BucketTable | null = null;

  constructor(options: NodeAuthorityOptions) {
    this.#options = options;
  }

  admit(asks: readonly Ask[]): Promise<readonly Levels[]> {
    // While the supervisor is silent nothing is sent: it will have enough to answer when it wakes up.
    if (this.#own !== null) return Promise.resolve(this.#decideAlone(asks, this.#own));
    return new Promise((resolve) => {
      this.#queue.push({ asks, resolve });
      if (this.#sent.length === 0) this.#sendQueue();
    });
  }

  /** The supervisor's answer. */
  answered({ batch, levels }: Extract<ToWorker, { type: 'admissions' }>): void {
    if (this.#own !== null) {
      this.#own = null;
      this.#options.log.info({}, 'limits: the supervisor answers again');
    }
    // Else it is the answer that was given up.
    if (batch === this.#batch) this.#share(levels);
    if (this.#sent.length === 0 && this.#queue.length > 0) this.#sendQueue();
  }

  #sendQueue(): void {
    this.#sent = this.#queue;
    this.#queue = [];
    this.#batch++;
    const packed = packAsks(this.#sent.flatMap(({ asks }) => asks));
    if (!this.#options.send({ type: 'asks', batch: this.#batch, ...packed })) return this.#leave();
    this.#patience = maxLooks;
    if (this.#timer === null) this.#timer = setTimeout(() => this.#look(), lookEveryMs);
  }

  #share(levels: readonly number[]): void {
    const parts = this.#sent;
    this.#sent = [];
    const answers = unpackLevels(
      parts.flatMap(({ asks }) => asks),
      levels,
    );
    let from = 0;
    for (const { asks, resolve } of parts) {
      resolve(answers.slice(from, from + asks.length));
      from += asks.length;
    }
  }

  /** Timers run before sockets are read: after a pause of this process the answer may be there already. */
  #look(): void {
    setImmediate(() => {
      this.#timer = null;
      if (this.#sent.length === 0) return;
      this.#patience--;
      if (this.#patience === 0) this.#leave();
      else this.#timer = setTimeout(() => this.#look(), lookEveryMs);
    });
  }

  #leave(): void {
    this.#options.log.warn({}, 'limits: the supervisor does not answer, this worker keeps them by itself');
    this.#own = new BucketTable(maxOwnBuckets, ownShards);
    const waiting = [...this.#sent, ...this.#queue];
    this.#sent = [];
    this.#queue = [];
    for (const { asks, resolve } of waiting) resolve(this.#decideAlone(asks, this.#own));
  }

  #decideAlone(asks: readonly Ask[], own: BucketTable): Levels[] {
    this.#options.onAlone(asks.length);
    const now = Math.floor(this.#options.now());
    return asks.map(({ rules, buckets }) => judge(rules, buckets, own, now));
  }
}
