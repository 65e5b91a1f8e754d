/**
 * The few retries of an upstream that are always allowed on the node, granted one by one. What workers do by their own
 * share of the requests in flight counts, so that the floor is a minimum and no extra.
 */
import { retryFloor } from '../src/core/retry-floor.ts';

interface Holdings {
  /** By the worker's own share, as it said last. */
  shared: number;
  granted: number;
  /** How many its own share has room for, as a fraction; `saidAt`: when it said so. */
  room: number;
  saidAt: number;
}

/** What a worker has said of its room holds for so long, ms. */
const roomHoldsMs = 5_000;

export class RetryFloor {
  /** By the upstream's key, then by the worker's id. */
  readonly #holdings = new Map<string, Map<number, Holdings>>();

  /** Monotonic ms for `now`. */
  ask(worker: number, key: string, room: number, now: number): boolean {
    const asking = this.#of(worker, key);
    asking.room = room;
    asking.saidAt = now;
    let underWay = 0;
    let roomOfAll = 0;
    for (const held of this.#holdings.get(key)?.values() ?? []) {
      underWay += held.shared + held.granted;
      if (now - held.saidAt < roomHoldsMs) roomOfAll += held.room;
    }
    // Then the shares of the workers alone are no less than the floor.
    if (underWay >= retryFloor || roomOfAll >= retryFloor) return false;
    asking.granted++;
    return true;
  }

  giveBack(worker: number, key: string): void {
    const held = this.#of(worker, key);
    held.granted = Math.max(0, held.granted - 1);
  }

  shareChanged(worker: number, key: string, count: number, room: number, now: number): void {
    const held = this.#of(worker, key);
    held.shared = count;
    held.room = room;
    held.saidAt = now;
  }

  /** The worker has ended: all that it held is free. */
  forget(worker: number): void {
    for (const byWorker of this.#holdings.values()) byWorker.delete(worker);
  }

  /** No config names the other upstreams any more. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#holdings.keys()) if (!keys.has(key)) this.#holdings.delete(key);
  }

  #of(worker: number, key: string): Holdings {
    const byWorker = this.#holdings.get(key) ?? new Map<number, Holdings>();
    this.#holdings.set(key, byWorker);
    const held = byWorker.get(worker) ?? { shared: 0, granted: 0, room: 0, saidAt: 0 };
    byWorker.set(worker, held);
    return held;
  }
}
